/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* Transactions on a database that does as it is told; test-transaction-real.c is about real ones. */

#include "client.h"
#include "fake-database.h"

G_BEGIN_DECLS

typedef struct
{
  CupelEngine     *engine;
  CupelConnection *connection;
  GString         *signals;
} Fixture;

#define ADD(path, func) g_test_add ("/engine/transaction/" path, Fixture, func, set_up, in_fiber, tear_down)

void set_up (Fixture *f, gconstpointer data);
void tear_down (Fixture *f, gconstpointer data);
/* Each test runs in a fiber, with a connection. */
void in_fiber (Fixture *f, gconstpointer data);
void refuse (CupelConnection *connection, const char *sql, CupelError code);
CupelStream *open_stream (CupelConnection *connection);
void assert_log (const char *expected);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* Connections of a database that does as it is told, and the signals of their engine. */

#include "client.h"
#include "fake-database.h"

G_BEGIN_DECLS

typedef struct
{
  CupelEngine *engine;
  GString     *signals;
} Fixture;

#define ADD(path, func) g_test_add ("/engine/connection/" path, Fixture, func, set_up, in_fiber, tear_down)

void set_up (Fixture *f, gconstpointer data);
void tear_down (Fixture *f, gconstpointer data);
/* Each test runs in a fiber. */
void in_fiber (Fixture *f, gconstpointer data);
void close_it (CupelConnection *connection);
void assert_log (const char *expected);

G_END_DECLS

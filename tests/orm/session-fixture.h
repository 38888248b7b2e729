/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* Sessions on each database that there is, and what they send. */

#include "model.h"

G_BEGIN_DECLS

/* Each test runs in a fiber on an empty database, and counts what reached the server. */
typedef struct
{
  CupelEngine *engine;
  CupelSession *session;
  guint statements;
  guint commits;
  guint rollbacks;
  GString *sql;
} Fixture;

typedef void (*TestFunc) (Fixture *f);

void count (CupelEngine *engine, guint *counter);
guint statements (Fixture *f);
Author *new_author (const char *name, guint n_books);
void add (Fixture *f, gpointer entity);
void flush (Fixture *f);
void commit (Fixture *f);
gint64 count_rows (Fixture *f, const char *table);

typedef struct
{
  const char *path;
  TestFunc func;
} SessionTest;

/* Runs each on each of CUPEL_TEST_URLS. */
int session_test_main (int argc, char *argv[], const SessionTest *tests, gsize n_tests);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "../each-url.h"
#include "model.h"

G_BEGIN_DECLS

/* Each test runs in a fiber with a session on empty tables; afterwards nothing may be left of it. */
typedef struct
{
  const char *url;
  CupelEngine *engine;
  CupelSession *session;
} Fixture;

typedef void (*TestFunc) (Fixture *f);

typedef struct
{
  const char *path;
  TestFunc func;
  GTestDataFunc outside;   /* instead of @func: gets the #EachUrl, without a fiber */
} Test;

/* Runs @tests on each of CUPEL_TEST_URLS. */
int run_tests (int argc, char *argv[], const Test *tests, gsize n_tests);

gboolean is_server (Fixture *f);
Author *new_author (const char *name, guint n_books);
void add (CupelSession *session, gpointer entity);
void flush (CupelSession *session);
void commit (CupelSession *session);
void rollback (CupelSession *session);
void execute (CupelSession *session, const char *sql);
gint64 query_int (CupelSession *session, const char *sql);
/* Looks with other eyes than the session's: at what is committed. */
gint64 count_committed (Fixture *f, const char *table);
void wait_for_pool (Fixture *f);
void fill (Fixture *f, guint n);
GListModel *list_of (gpointer entity, const char *name);

G_END_DECLS

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
  /* What reached the server, with session_run_counting () */
  guint statements;
  guint commits;
  guint rollbacks;
  GString *sql;
} Fixture;

typedef void (*TestFunc) (Fixture *f);

/* For each_url_test_run () */
gboolean session_run (gpointer data, GCancellable *cancellable, GError **error);
gboolean session_run_counting (gpointer data, GCancellable *cancellable, GError **error);

void count (CupelEngine *engine, guint *counter);
/* Since it was last asked for */
guint statements (Fixture *f);

gboolean is_server (Fixture *f);
Author *new_author (const char *name, guint n_books);
void add (CupelSession *session, gpointer entity);
void flush (CupelSession *session);
void commit (CupelSession *session);
void rollback (CupelSession *session);
void execute (CupelSession *session, const char *sql);
gint64 query_int (CupelSession *session, const char *sql);
gint64 count_rows (Fixture *f, const char *table);
/* Looks with other eyes than the session's: at what is committed. */
gint64 count_committed (Fixture *f, const char *table);
void wait_for_pool (Fixture *f);
void fill (Fixture *f, guint n);
GListModel *list_of (gpointer entity, const char *name);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nested transactions, read-only ones, and units that are run again. */

#include "conformance-model.h"
#include "conformance-scenarios.h"

static gboolean
insert (CupelSession  *session,
        const char    *text,
        GError       **error)
{
  g_autoptr(CupelEntity) entity = g_object_new (classic_a_get_type (), "data", text, NULL);

  return cupel_session_add (session, entity, error) && cupel_session_flush (session, NULL, error);
}

/* From outside: what is committed. */
static gint64
count (CupelEngine  *engine,
       GError      **error)
{
  g_autoptr(CupelSession) session = cupel_session_new (engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (classic_a_get_type ());
  g_autoptr(CupelResult) result = cupel_session_scalars (session, select, NULL, error);
  gint64 n = 0;

  if (result == NULL)
    return -1;
  while (cupel_result_next (result) != NULL)
    n++;
  return cupel_session_close (session, NULL, error) ? n : -1;
}

static CupelEngine *
set_up (CupelConformanceContext  *c,
        GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (classic_a_get_type (), classic_b_get_type (), G_TYPE_INVALID);

  if (engine == NULL)
    return NULL;
  cupel_conformance_context_add_metadata (c, metadata);
  return cupel_engine_create_all (engine, metadata, NULL, error) ? g_steal_pointer (&engine) : NULL;
}

static gboolean
run_nested (CupelConformanceContext  *c,
            gpointer                  data,
            GError                  **error)
{
  g_autoptr(CupelEngine) engine = set_up (c, error);
  g_autoptr(CupelSession) session = engine != NULL ? cupel_session_new (engine) : NULL;
  g_autoptr(CupelTransaction) first = NULL;
  g_autoptr(CupelTransaction) second = NULL;

  if (session == NULL || !insert (session, "outer", error) || (first = cupel_session_begin_nested (session, NULL, error)) == NULL ||
      !insert (session, "first", error) || (second = cupel_session_begin_nested (session, NULL, error)) == NULL ||
      !insert (session, "second", error))
    return FALSE;
  cupel_conformance_check (c, "1", cupel_transaction_get_parent (second) == first, "the second one is within the first");
  if (!cupel_transaction_rollback (second, NULL, error))
    return FALSE;
  cupel_conformance_check (c, "2", !cupel_transaction_is_active (second) && cupel_transaction_is_active (first),
                           "rolling back the inner one leaves the outer one");
  if (!cupel_transaction_commit (first, NULL, error) || !cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "3", "rows that stay", count (engine, error), 2);

  /* Released is not committed. */
  g_clear_object (&first);
  if ((first = cupel_session_begin_nested (session, NULL, error)) == NULL || !insert (session, "third", error) ||
      !cupel_transaction_commit (first, NULL, error) || !cupel_session_rollback (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "4", "rows after the rollback of all", count (engine, error), 2);
  return cupel_session_close (session, NULL, error);
}

static gboolean
run_read_only (CupelConformanceContext  *c,
               gpointer                  data,
               GError                  **error)
{
  g_autoptr(CupelEngine) engine = set_up (c, error);
  g_autoptr(CupelSession) session = engine != NULL ? cupel_session_new (engine) : NULL;
  g_autoptr(GError) refused = NULL;

  if (session == NULL ||
      !cupel_session_begin_transaction (session, CUPEL_ISOLATION_SERIALIZABLE, CUPEL_BEGIN_READ_ONLY | CUPEL_BEGIN_DEFERRABLE, NULL, error))
    return FALSE;
  cupel_conformance_check (c, "1", !insert (session, "refused", &refused), "the server refuses to write");
  if (!cupel_session_rollback (session, NULL, error) || !insert (session, "accepted", error) || !cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "2", "rows: the next transaction is as usual", count (engine, error), 1);
  return cupel_session_close (session, NULL, error);
}

typedef struct
{
  CupelEngine *engine;
  guint        n_runs;
} Race;

/* A unique key that is taken by the time it is inserted is no lost race; an error that says so is. */
static gboolean
race_func (CupelSession  *session,
           gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Race *race = data;

  race->n_runs++;
  if (!insert (session, "of a try", error))
    return FALSE;
  if (cupel_session_get_attempt (session) == 3)
    return TRUE;
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_SERIALIZATION, "a race was lost");
  return FALSE;
}

static gboolean
fail_func (CupelSession  *session,
           gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Race *race = data;

  race->n_runs++;
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN, "nobody knows");
  return FALSE;
}

static gboolean
run_again (CupelConformanceContext  *c,
           gpointer                  data,
           GError                  **error)
{
  g_autoptr(CupelEngine) engine = set_up (c, error);
  g_autoptr(CupelSessionFactory) factory = engine != NULL ? cupel_session_factory_new (engine) : NULL;
  g_autoptr(GError) unknown = NULL;
  Race race = { engine, 0 };

  if (factory == NULL || !cupel_session_factory_run_transaction (factory, NULL, race_func, &race, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "1", "runs", race.n_runs, 3);
  cupel_conformance_check_int (c, "1", "rows", count (engine, error), 1);
  race.n_runs = 0;
  cupel_conformance_check (c, "2", !cupel_session_factory_run_transaction (factory, NULL, fail_func, &race, NULL, &unknown),
                           "an outcome that is not known is told");
  cupel_conformance_check_int (c, "2", "runs: it is not tried again", race.n_runs, 1);
  cupel_conformance_check_returned (c, "3", engine);
  return TRUE;
}

void
conformance_add_transactions (void)
{
  conformance_add ("nested-transactions", "Savepoints: what a rollback undoes, and what it leaves", CUPEL_CAP_SAVEPOINTS, run_nested, NULL);
  conformance_add ("read-only-transaction", "A transaction in which the server refuses to write", CUPEL_CAP_NONE, run_read_only, NULL);
  conformance_add ("run-again", "A unit of work that is run again after a lost race", CUPEL_CAP_NONE, run_again, NULL);
}

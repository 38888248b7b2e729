/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The statements of a flush. Many entities go in batches, and two fibers share the work: one has the database write a batch, and the other
 * makes the parameter sets of the next and takes what came back for the last. */

#include "engine/cupel-connection-private.h"
#include "orm/cupel-unit-of-work-private.h"
#include "runtime/cupel-wait.h"

/* Enough for a round trip and a savepoint not to matter. */
static guint batch_size = 2000;

typedef struct
{
  CupelFlush *flush;
  CupelMapperStatement *shape;
  CupelFlushBatch batch;
  CupelCompletion *done;    /* NULL: it runs where it is called */
  gboolean finished;
  gboolean ok;
  GError *error;
} Execution;

static void
execute (gpointer data)
{
  Execution *e = data;

  e->ok = cupel_connection_run_request (e->flush->session->connection, e->shape->statement, e->batch.sets, CUPEL_REQUEST_NONE,
                                        &e->batch.reply, NULL, e->flush->cancellable, &e->error);
  e->finished = TRUE;
  if (e->done != NULL)
    cupel_completion_complete (e->done);
}

/* It is under way when this returns, so that the database need not wait for what its caller does next. */
static void
start (Execution *e)
{
  e->finished = FALSE;
  cupel_fiber_spawn_full (NULL, "cupel-write", 0, execute, e, NULL);
  cupel_fiber_yield ();
}

static void
wait_for (Execution *e)
{
  while (!e->finished)
    if (!cupel_completion_wait (e->done, CUPEL_NO_DEADLINE, NULL, NULL))
      cupel_fiber_yield ();     /* the context goes away: the other ends by itself, given its turn */
  cupel_completion_reset (e->done);
}

static void
clear (Execution *e)
{
  g_clear_pointer (&e->batch.sets, cupel_row_block_unref);
  cupel_reply_clear (&e->batch.reply);
  e->batch.reply = (CupelReply) { NULL, };
}

static gboolean
make (Execution     *e,
      CupelMapper   *mapper,
      guint          n_values,
      CupelEntity  **entities,
      guint          n_entities,
      GError       **error)
{
  clear (e);
  e->batch.entities = entities;
  e->batch.n_entities = n_entities;
  e->batch.sets = cupel_flush_make_sets (mapper, e->shape, n_values, entities, n_entities, error);
  return e->batch.sets != NULL;
}

static gboolean
write_overlapping (Execution       *two,
                   CupelMapper     *mapper,
                   guint            n_values,
                   CupelEntity    **entities,
                   guint            n_entities,
                   CupelFlushTake   take,
                   gpointer         data,
                   GError         **error)
{
  guint n_made = MIN (batch_size, n_entities);
  gboolean ok = make (&two[0], mapper, n_values, entities, n_made, error);

  if (ok)
    start (&two[0]);
  for (guint n = 0; ok; n++)
    {
      Execution *current = &two[n % 2];
      Execution *next = &two[(n + 1) % 2];
      const guint n_next = MIN (batch_size, n_entities - n_made);

      ok = n_next == 0 || make (next, mapper, n_values, entities + n_made, n_next, error);
      n_made += n_next;
      wait_for (current);
      if (!current->ok)
        {
          /* What failed first is told. */
          g_clear_error (error);
          g_propagate_error (error, g_steal_pointer (&current->error));
          return FALSE;
        }
      if (ok && n_next > 0)
        start (next);
      if (ok && !take (&current->batch, data, error))
        {
          ok = FALSE;
          if (n_next > 0)
            wait_for (next);
        }
      if (n_next == 0)
        break;
    }
  return ok;
}

/* Calls @take for each batch that was written, in their order. The connection is in use meanwhile where that is of use: nothing of the
 * user's may run then. */
gboolean
cupel_flush_write (CupelFlush            *flush,
                   CupelMapper           *mapper,
                   CupelMapperStatement  *shape,
                   guint                  n_values,
                   CupelEntity          **entities,
                   guint                  n_entities,
                   CupelFlushTake         take,
                   gpointer               data,
                   GError               **error)
{
  Execution two[2] = { { .flush = flush, .shape = shape }, { .flush = flush, .shape = shape } };
  gboolean ok;

  if (n_entities <= batch_size || !mapper->native)
    {
      ok = make (&two[0], mapper, n_values, entities, n_entities, error);
      if (ok)
        {
          execute (&two[0]);
          ok = two[0].ok && take (&two[0].batch, data, error);
        }
    }
  else
    {
      two[0].done = cupel_completion_new ();
      two[1].done = cupel_completion_new ();
      ok = write_overlapping (two, mapper, n_values, entities, n_entities, take, data, error);
    }

  for (guint i = 0; i < G_N_ELEMENTS (two); i++)
    {
      clear (&two[i]);
      g_clear_pointer (&two[i].done, cupel_completion_unref);
      if (two[i].error != NULL && error != NULL && *error == NULL)
        g_propagate_error (error, g_steal_pointer (&two[i].error));
      g_clear_error (&two[i].error);
    }
  return ok;
}

guint
cupel_flush_set_batch_size (guint size)
{
  guint before = batch_size;

  g_return_val_if_fail (size > 0, before);
  batch_size = size;
  return before;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One SELECT for each batch of parents. Two fibers share the work: one asks and reads, and the other makes entities of the rows and deals
 * them out, so that the database has the next statement meanwhile. */

#include "engine/cupel-connection-private.h"
#include "orm/cupel-loader-private.h"
#include "orm/cupel-session-private.h"
#include "runtime/cupel-object-private.h"
#include "runtime/cupel-wait.h"

/* How many blocks of rows may wait to become entities. */
#define MOST_WAITING 4

/* In the queue, behind the blocks of a batch. */
static CupelRowBlock end_of_batch;

/* Of both fibers; it lives on the stack of the one that deals out, which waits for the end of the other. */
typedef struct
{
  CupelSession      *session;
  CupelRelationship *relationship;
  CupelEntity      **parents;
  guint              n_parents;
  guint              batch;
  GCancellable      *cancellable;
  GQueue             waiting;    /* of CupelRowBlock */
  CupelCompletion   *news;       /* something waits, or the reader is at its end */
  CupelCompletion   *room;       /* there is room in the queue, or nobody wants what is read */
  gboolean           unwanted;
  gboolean           finished;
  GError            *error;      /* of the reader */
} Load;

/* Nothing ends these waits but what they are for; each fiber ends in its own time. But where the context goes away none of them
 * waits: then the other one gets its turn. */
static void
wait_for (CupelCompletion *completion)
{
  if (cupel_completion_wait (completion, CUPEL_NO_DEADLINE, NULL, NULL))
    cupel_completion_reset (completion);
  else
    cupel_fiber_yield ();
}

static gboolean
hand_over (CupelRowBlock  *block,
           gpointer        data,
           GError        **error)
{
  Load *load = data;

  while (load->waiting.length >= MOST_WAITING && !load->unwanted)
    wait_for (load->room);
  if (load->unwanted)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Nobody wants the rows any more");
      return FALSE;
    }
  g_queue_push_tail (&load->waiting, cupel_row_block_ref (block));
  cupel_completion_complete (load->news);
  return TRUE;
}

static gboolean
read_batch (Load         *load,
            CupelEntity **parents,
            guint         n_parents)
{
  g_autoptr(CupelSelect) select = cupel_relationship_select_for (load->relationship, parents, n_parents);
  CupelConnection *connection;

  return select == NULL ||
         ((connection = cupel_session_acquire (load->session, load->cancellable, &load->error)) != NULL &&
          cupel_connection_run_select (connection, CUPEL_STATEMENT (select), NULL, hand_over, load, load->cancellable, &load->error));
}

static void
read_all (gpointer data)
{
  Load *load = data;
  guint n;

  for (guint i = 0; i < load->n_parents && !load->unwanted; i += n)
    {
      n = MIN (load->batch, load->n_parents - i);
      if (!read_batch (load, load->parents + i, n))
        break;
      g_queue_push_tail (&load->waiting, &end_of_batch);
      cupel_completion_complete (load->news);
    }
  load->finished = TRUE;
  cupel_completion_complete (load->news);
}

/* Takes the entities. */
static void
deal_out (Load      *load,
          guint      first,
          guint      n_parents,
          GPtrArray *entities)
{
  gsize n_related = 0;
  g_autofree CupelEntity **related = (CupelEntity **) g_ptr_array_steal (entities, &n_related);

  cupel_relationship_deal_out (load->relationship, load->parents + first, n_parents, related, (guint) n_related);
}

static gboolean
load_overlapping (Load    *load,
                  GError **error)
{
  CupelMapper *target = load->relationship->target;
  g_autoptr(GPtrArray) entities = g_ptr_array_new_with_free_func (cupel_object_unref);
  guint n_done = 0;
  gboolean ok = TRUE;

  cupel_fiber_spawn_full (NULL, "cupel-load", 0, read_all, load, NULL);
  for (;;)
    {
      CupelRowBlock *block;

      while (load->waiting.length == 0 && !load->finished)
        wait_for (load->news);
      if ((block = g_queue_pop_head (&load->waiting)) == NULL)
        break;
      cupel_completion_complete (load->room);
      if (block != &end_of_batch)
        {
          ok = ok && cupel_session_materialize (load->session, target, block, FALSE, entities, error);
          cupel_row_block_unref (block);
        }
      else if (ok)
        {
          guint n = MIN (load->batch, load->n_parents - n_done);

          /* Nothing is loaded by it, but what the statement said of later reads is remembered. */
          ok = cupel_session_run_loaders (load->session, target, NULL, (CupelEntity **) entities->pdata, entities->len, load->cancellable,
                                          error);
          if (ok)
            deal_out (load, n_done, n, entities);
          n_done += n;
        }
      if (!ok)
        {
          load->unwanted = TRUE;
          cupel_completion_complete (load->room);
        }
    }
  if (ok && load->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&load->error));
      ok = FALSE;
    }
  return ok;
}

static gboolean
load_one_by_one (Load    *load,
                 GError **error)
{
  guint n;

  for (guint i = 0; i < load->n_parents; i += n)
    {
      g_autoptr(CupelSelect) select = NULL;
      g_autoptr(GPtrArray) entities = NULL;

      n = MIN (load->batch, load->n_parents - i);
      select = cupel_relationship_select_for (load->relationship, load->parents + i, n);
      entities = select != NULL ? cupel_session_query (load->session, select, NULL, FALSE, load->cancellable, error) : g_ptr_array_new ();
      if (entities == NULL)
        return FALSE;
      deal_out (load, i, n, entities);
    }
  return TRUE;
}

/**
 * cupel_relationship_load: (skip)
 * @relationship: a relationship
 * @session: a session with an operation under way
 * @parents: (array length=n_parents): entities that have it
 * @n_parents: how many
 * @batch: for how many of them one statement is
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Loads what the parents relate to, with one `SELECT` for each batch of them, and deals it out as cupel_relationship_populate() does. For
 * a loader strategy. Call it in a fiber. While one batch is dealt out the statement of the next is under way, where nothing stands
 * against it: classes with setters of their own, or relationships that are loaded with what comes.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_relationship_load (CupelRelationship  *relationship,
                         CupelSession       *session,
                         CupelEntity       **parents,
                         guint               n_parents,
                         guint               batch,
                         GCancellable       *cancellable,
                         GError            **error)
{
  Load load = {
    .session = session,
    .relationship = relationship,
    .parents = parents,
    .n_parents = n_parents,
    .batch = batch,
    .cancellable = cancellable,
    .waiting = G_QUEUE_INIT,
  };
  gboolean ok;

  g_return_val_if_fail (relationship != NULL, FALSE);
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (session->operation != NULL, FALSE);
  g_return_val_if_fail (batch > 0, FALSE);

  /* The connection is in use while entities are made: nothing of the user's may run then, and no statement in between. */
  if (n_parents <= batch || !relationship->parent->native || !relationship->target->native ||
      cupel_session_loads_more (session, relationship->target))
    return load_one_by_one (&load, error);

  load.news = cupel_completion_new ();
  load.room = cupel_completion_new ();
  ok = load_overlapping (&load, error);
  cupel_completion_unref (load.news);
  cupel_completion_unref (load.room);
  g_clear_error (&load.error);
  return ok;
}

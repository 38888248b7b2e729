/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Merging many entities gives the main loop its turn on the way. */

#include "session-fixture.h"
#include "runtime/cupel-fiber-private.h"

#define N 500

typedef struct
{
  CupelSession *session;   /* that is merged into */
  guint         n;
  GError       *refusal;   /* of another operation on @session */
} Turns;

static Turns turns;

static void
on_flushed (GObject      *source,
            GAsyncResult *result,
            gpointer      data)
{
  cupel_session_flush_finish (CUPEL_SESSION (source), result, &turns.refusal);
}

static void
on_turn (gpointer data)
{
  if (turns.n++ == 0)
    cupel_session_flush_async (turns.session, NULL, on_flushed, NULL);
}

static void
test_merge (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSession) other = cupel_session_new (f->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelResult) merged = NULL;
  g_autoptr(CupelFrozenResult) frozen = NULL;

  fill (f, N);
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  frozen = cupel_result_freeze (result);
  turns = (Turns) { .session = other };
  cupel_fiber_set_tick_hook (on_turn);
  merged = cupel_session_merge_frozen (other, frozen, &error);
  cupel_fiber_set_tick_hook (NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (turns.n, >=, 2);
  g_assert_cmpuint (cupel_result_get_n_rows (merged), ==, N);
  while (turns.refusal == NULL)
    cupel_fiber_yield ();
  g_assert_error (turns.refusal, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  g_clear_error (&turns.refusal);
  g_assert_true (cupel_session_close (other, NULL, NULL));
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/merge-slices/busy", G_CALLBACK (test_merge) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}

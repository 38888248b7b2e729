/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sets of parameters that go on being filled while a statement has them. */

#include "sql-fixture.h"

#define CUPEL_INSIDE
#include "engine/cupel-parameters-private.h"
#undef CUPEL_INSIDE

/* What a driver was given stays as it is, whatever the program does next. */
static void
test_given_away (void)
{
  static const char *const ways[] = { "set", "next", "next and set" };
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_TYPE_COMPILER, NULL);
  g_autoptr(CupelText) text = cupel_text_new ("SELECT :a, :b");

  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelCompiled) compiled = cupel_compiler_compile (compiler, (CupelStatement *) text, &error);
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelRowBlock) sets = NULL;
      const CupelCell *cells;
      guint n_sets;

      g_assert_no_error (error);
      cupel_parameters_set_string (parameters, "a", "text");
      cupel_parameters_set_int64 (parameters, "b", 2);
      cupel_parameters_next (parameters);
      g_assert_true (cupel_parameters_bind (parameters, compiled, &sets, &n_sets, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (n_sets, ==, 1);
      cells = sets->cells;

      if (way > 0)
        for (guint i = 0; i < 20; i++)
          cupel_parameters_next (parameters);
      if (way != 1)
        for (guint i = 0; i < 20; i++)
          cupel_parameters_set_int64 (parameters, "b", i);
      g_test_message ("%s", ways[way]);
      g_assert_true (sets->cells == cells);
      g_assert_cmpuint (sets->n_rows, ==, 1);
      g_assert_cmpmem (cells[0].v.text, cells[0].length, "text", 4);
      g_assert_cmpint (cells[1].v.i64, ==, 2);
      g_assert_cmpuint (cupel_parameters_get_n_sets (parameters), ==, way == 0 ? 2 : way == 1 ? 21 : 22);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/parameters/given-away", test_given_away);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a compiled statement says of its lists: where they stand and which parameters they hold. */

#include "dollar-compiler.h"

static CupelExpression *
in_ids (CupelExpression *operand,
        gsize            n)
{
  static const gint64 ids[] = { 1, 2, 3, 4, 5 };

  return cupel_in_int64 (operand, ids, n);
}

/* "{ IN (?, ?)|0=4}": the text of each list, its first slot and the kind of its values. */
static char *
describe_lists (const CupelCompiled *compiled)
{
  GString *text = g_string_new (NULL);
  guint end = 0;

  g_assert_true ((compiled->n_lists == 0) == (compiled->lists == NULL));
  for (guint i = 0; i < compiled->n_lists; i++)
    {
      const CupelSlotList *list = &compiled->lists[i];
      const CupelSlot *slots = compiled->slots + list->first_slot;

      g_assert_cmpuint (list->start, >=, end);
      end = list->end;
      g_assert_cmpuint (end, <=, compiled->sql_length);
      g_assert_cmpuint (list->first_slot + list->n_slots, <=, compiled->n_slots);
      for (guint j = 0; j < list->n_slots; j++)
        {
          g_assert_cmpint (slots[j].source, ==, CUPEL_SLOT_LITERAL);
          g_assert_cmpuint (slots[j].index, ==, slots[0].index + j);
          g_assert_true (slots[j].type == list->type);
          g_assert_cmpuint (slots[j].offset, >, list->start);
        }
      g_assert_cmpuint (slots[list->n_slots - 1].offset + slots[list->n_slots - 1].length, ==, end - 1);
      g_assert_true (g_str_has_prefix (compiled->sql + list->start, list->negated ? " NOT IN (" : " IN ("));
      g_string_append_printf (text, "{%.*s|%u=%d}", (int) (end - list->start), compiled->sql + list->start, list->first_slot,
                              cupel_sql_type_get_kind (list->type));
    }
  return g_string_free (text, FALSE);
}

/* @statement: (transfer full) */
static void
check_lists (SqlFixture *fixture,
             gpointer    statement,
             const char *expected)
{
  g_autoptr(CupelStatement) owned = statement;
  g_autoptr(CupelCompiled) compiled = NULL;
  g_autofree char *lists = NULL;
  GError *error = NULL;

  compiled = cupel_compiler_compile (fixture->compiler, owned, &error);
  g_assert_no_error (error);
  lists = describe_lists (compiled);
  g_assert_cmpstr (lists, ==, expected);
}

#define check_condition(condition, expected) check_lists (fixture, select_where (fixture, (condition)), expected)

static void
test_one (SqlFixture    *fixture,
          gconstpointer  data)
{
  CupelValue *texts[] = { cupel_value_new_string ("x"), cupel_value_new_string ("y"), cupel_value_new_string ("z") };

  check_condition (in_ids (A ("id"), 1), "{ IN (?)|0=4}");
  check_condition (in_ids (A ("id"), 2), "{ IN (?, ?)|0=4}");
  check_condition (in_ids (A ("id"), 3), "{ IN (?, ?, ?, ?)|0=4}");
  check_condition (cupel_not (in_ids (A ("id"), 2)), "{ NOT IN (?, ?)|0=4}");
  check_condition (cupel_not (cupel_not (in_ids (A ("id"), 2))), "{ NOT IN (?, ?)|0=4}");
  check_condition (in_ids (A ("n"), 2), "{ IN (?, ?)|0=3}");
  check_condition (cupel_in (A ("data"), texts, 3), "{ IN (?, ?, ?, ?)|0=8}");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    cupel_value_unref (texts[i]);

  use_dollars (fixture);
  check_condition (in_ids (A ("id"), 3), "{ IN ($1, $2, $3, $4)|0=4}");
}

/* What stands before the list is not a part of it, and what could be mistaken there is in parentheses. */
static void
test_operands (SqlFixture    *fixture,
               gconstpointer  data)
{
  g_autoptr(CupelTable) odd = cupel_table_new ("odd");

  add_column (odd, "x\" IN (", cupel_sql_type_new (CUPEL_SQL_INT64));
  check_condition (in_ids (cupel_add (A ("n"), A ("n")), 1), "{ IN (?)|0=3}");
  check_condition (in_ids (cupel_add (A ("n"), cupel_literal_int64 (7)), 1), "{ IN (?)|1=4}");
  check_condition (in_ids (cupel_table_c (odd, "x\" IN ("), 2), "{ IN (?, ?)|0=4}");
  check_where (in_ids (cupel_text ("1 OR 1"), 1), "(1 OR 1) IN (?)");
  check_where (cupel_eq (in_ids (A ("id"), 1), cupel_literal_boolean (TRUE)), "(\"a\".\"id\" IN (?)) = ?");
}

static void
test_two (SqlFixture    *fixture,
          gconstpointer  data)
{
  check_condition (cupel_and (in_ids (A ("id"), 2), in_ids (A ("n"), 1)), "{ IN (?, ?)|0=4}{ IN (?)|2=3}");
  check_condition (cupel_or (in_ids (A ("id"), 1), cupel_not (in_ids (A ("id"), 4))), "{ IN (?)|0=4}{ NOT IN (?, ?, ?, ?)|1=4}");
  /* the operand of the one is the other */
  check_condition (cupel_eq (cupel_literal_int64 (1), cupel_func ("f", in_ids (A ("id"), 1), in_ids (A ("n"), 2), NULL)),
                   "{ IN (?)|1=4}{ IN (?, ?)|2=3}");
}

static CupelSelect *
select_b (SqlFixture      *fixture,
          CupelExpression *condition)
{
  CupelSelect *select = cupel_select_new ();

  cupel_select_add_column (select, B ("a_id"));
  cupel_select_where (select, condition);
  return select;
}

static void
test_nested (SqlFixture    *fixture,
             gconstpointer  data)
{
  g_autoptr(CupelSelect) plain = select_b (fixture, cupel_eq (B ("id"), cupel_literal_int64 (1)));
  g_autoptr(CupelSelect) listed = select_b (fixture, in_ids (B ("id"), 2));

  check_condition (cupel_in_select (A ("id"), plain), "");
  check_condition (cupel_in_select (A ("id"), listed), "{ IN (?, ?)|0=4}");
  check_condition (cupel_exists (listed), "{ IN (?, ?)|0=4}");
  check_condition (cupel_and (cupel_in_select (A ("id"), listed), in_ids (A ("n"), 1)), "{ IN (?, ?)|0=4}{ IN (?)|2=3}");
  check_condition (cupel_and (in_ids (A ("n"), 1), cupel_not (cupel_in_select (A ("id"), listed))), "{ IN (?)|0=3}{ IN (?, ?)|1=4}");
}

static void
test_empty (SqlFixture    *fixture,
            gconstpointer  data)
{
  check_condition (in_ids (A ("id"), 0), "");
  check_condition (cupel_not (in_ids (A ("id"), 0)), "");
  check_condition (cupel_and (in_ids (A ("id"), 0), in_ids (A ("n"), 2)), "{ IN (?, ?)|0=3}");
}

static void
test_beside_others (SqlFixture    *fixture,
                    gconstpointer  data)
{
  CupelSelect *select;
  CupelUpdate *update;
  CupelDelete *delete_;
  CupelInsert *insert;

  select = select_where (fixture, cupel_and (cupel_and (cupel_gt (A ("n"), cupel_literal_int64 (1)), in_ids (A ("id"), 2)),
                                             cupel_eq (A ("data"), cupel_bind ("data", NULL))));
  cupel_select_limit (select, 3);
  cupel_select_offset (select, 4);
  check_lists (fixture, select, "{ IN (?, ?)|1=4}");

  update = cupel_update_new (fixture->a);
  cupel_update_set (update, "n", cupel_literal_int64 (1));
  cupel_update_where (update, in_ids (A ("id"), 2));
  check_lists (fixture, update, "{ IN (?, ?)|1=4}");

  delete_ = cupel_delete_new (fixture->a);
  cupel_delete_where (delete_, in_ids (A ("id"), 2));
  check_lists (fixture, delete_, "{ IN (?, ?)|0=4}");

  insert = cupel_insert_new (fixture->a);
  cupel_insert_set (insert, "n", cupel_func ("f", in_ids (cupel_text ("x"), 2), NULL));
  check_lists (fixture, insert, "{ IN (?, ?)|0=4}");
}

/* SQL that the program wrote is not looked at, whatever it says. */
static void
test_raw (SqlFixture    *fixture,
          gconstpointer  data)
{
  static const char *const conditions[] = {
    "id IN (1, 2)",
    "\"id\" IN (:x, :y)",
    "data = '\"id\" IN (?, ?)'",
    "data = '\"id\" IN ($1, $2)' AND id = :x",
    "id = :x /* \"id\" IN ($1, $2) */",
    "id = :x -- \"id\" IN (?)",
  };

  for (guint i = 0; i < G_N_ELEMENTS (conditions); i++)
    {
      g_autofree char *sql = g_strconcat ("SELECT id FROM a WHERE ", conditions[i], NULL);

      check_condition (cupel_text (conditions[i]), "");
      check_lists (fixture, cupel_text_new (sql), "");
      check_condition (cupel_and (cupel_text (conditions[0]), in_ids (A ("id"), 2)), "{ IN (?, ?)|0=4}");
    }
  check_condition (cupel_and (cupel_text ("data = '\"id\" IN (?, ?)'"), in_ids (A ("id"), 1)), "{ IN (?)|0=4}");
}

#define ADD(path, function) \
  g_test_add ("/sql/compiler/lists/" path, SqlFixture, NULL, sql_fixture_set_up, function, sql_fixture_tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("one", test_one);
  ADD ("operands", test_operands);
  ADD ("two", test_two);
  ADD ("nested", test_nested);
  ADD ("empty", test_empty);
  ADD ("beside-others", test_beside_others);
  ADD ("raw", test_raw);

  return g_test_run ();
}

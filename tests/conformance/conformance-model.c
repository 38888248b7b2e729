/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conformance-model.h"

static const CupelColumnSpec model_a_columns[] = {
  CUPEL_COLUMN (ModelA, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (ModelA, data, STRING, .length = 50),
  CUPEL_COLUMN (ModelA, create_date, DATETIME, .not_null = TRUE, .server_default = "now()"),
};
static const CupelColumnSpec model_b_columns[] = {
  CUPEL_COLUMN (ModelB, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (ModelB, a_id, INT64, .not_null = TRUE, .foreign_key = "a.id"),
  CUPEL_COLUMN (ModelB, data, STRING, .length = 50),
};
static const CupelColumnSpec write_only_a_columns[] = {
  CUPEL_COLUMN (WriteOnlyA, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (WriteOnlyA, data, STRING, .length = 50),
  CUPEL_COLUMN (WriteOnlyA, create_date, DATETIME, .not_null = TRUE, .server_default = "now()"),
};
static const CupelColumnSpec write_only_b_columns[] = {
  CUPEL_COLUMN (WriteOnlyB, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (WriteOnlyB, a_id, INT64, .foreign_key = "a.id"),
  CUPEL_COLUMN (WriteOnlyB, data, STRING, .length = 50),
};
static const CupelColumnSpec classic_a_columns[] = {
  CUPEL_COLUMN (ClassicA, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (ClassicA, data, STRING, .length = 50),
};
static const CupelColumnSpec classic_b_columns[] = {
  CUPEL_COLUMN (ClassicB, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (ClassicB, a_id, INT64, .foreign_key = "a.id"),
  CUPEL_COLUMN (ClassicB, data, STRING, .length = 50),
};
static const CupelColumnSpec strict_a_columns[] = {
  CUPEL_COLUMN (StrictA, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (StrictA, data, STRING, .length = 50, .not_null = TRUE),
  CUPEL_COLUMN (StrictA, create_date, DATETIME, .not_null = TRUE, .server_default = "now()"),
};
static const CupelColumnSpec strict_b_columns[] = {
  CUPEL_COLUMN (StrictB, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (StrictB, a_id, INT64, .not_null = TRUE, .foreign_key = "a.id"),
  CUPEL_COLUMN (StrictB, data, STRING, .length = 50, .not_null = TRUE),
};

CUPEL_DEFINE_ENTITY (ModelB, model_b, "b", model_b_columns)
CUPEL_DEFINE_ENTITY (ModelA, model_a, "a", model_a_columns, CUPEL_HAS_MANY ("bs", model_b_get_type ()))
CUPEL_DEFINE_ENTITY (WriteOnlyB, write_only_b, "b", write_only_b_columns)
CUPEL_DEFINE_ENTITY (WriteOnlyA, write_only_a, "a", write_only_a_columns,
                     CUPEL_HAS_MANY ("bs", write_only_b_get_type (), .loader = "write-only"))
CUPEL_DEFINE_ENTITY (ClassicB, classic_b, "b", classic_b_columns)
CUPEL_DEFINE_ENTITY (ClassicA, classic_a, "a", classic_a_columns, CUPEL_HAS_MANY ("bs", classic_b_get_type ()))
CUPEL_DEFINE_ENTITY (StrictB, strict_b, "b", strict_b_columns)
CUPEL_DEFINE_ENTITY (StrictA, strict_a, "a", strict_a_columns, CUPEL_HAS_MANY ("bs", strict_b_get_type ()))

CupelEntity *
model_new_parent (GType       type,
                  const char *data,
                  guint       n_children,
                  gboolean    b_data)
{
  CupelEntity *a = g_object_new (type, "data", data, NULL);
  GType child = cupel_relationship_get_target_type (cupel_mapper_find_relationship (cupel_mapper_for_type (type, NULL), "bs"));

  for (guint i = 0; i < n_children; i++)
    {
      g_autoptr(CupelEntity) b = g_object_new (child, NULL);

      if (b_data)
        {
          g_autofree char *text = g_strdup_printf ("%s b%u", data, i + 1);

          g_object_set (b, "data", text, NULL);
        }
      cupel_entity_append (a, "bs", b);
    }
  return a;
}

gboolean
model_drop_all (CupelConnection  *connection,
                gpointer          metadata,
                GCancellable     *cancellable,
                GError          **error)
{
  return cupel_connection_drop_all (connection, metadata, cancellable, error);
}

gboolean
model_create_all (CupelConnection  *connection,
                  gpointer          metadata,
                  GCancellable     *cancellable,
                  GError          **error)
{
  return cupel_connection_create_all (connection, metadata, cancellable, error);
}

gboolean
model_drop_create_all (CupelConnection  *connection,
                       gpointer          metadata,
                       GCancellable     *cancellable,
                       GError          **error)
{
  return cupel_connection_drop_all (connection, metadata, cancellable, error) &&
         cupel_connection_create_all (connection, metadata, cancellable, error);
}

gint64
model_query_int (CupelConformanceContext *context,
                 CupelEngine             *engine,
                 const char              *sql)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, &error);
  g_autoptr(CupelResult) result = NULL;
  gint64 value = -1;

  if (connection != NULL)
    {
      result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &error);
      if (result != NULL && cupel_result_step (result))
        value = cupel_result_get_int64 (result, 0);
      cupel_connection_close (connection, NULL, NULL);
    }
  if (error != NULL)
    cupel_conformance_check (context, "query", FALSE, "%s: %s", sql, error->message);
  cupel_conformance_context_take_counts (context, NULL);
  return value;
}

void
model_add_counts (CupelConformanceCounts       *sum,
                  const CupelConformanceCounts *part)
{
  guint *to = (guint *) sum;
  const guint *from = (const guint *) part;

  for (gsize i = 0; i < sizeof *sum / sizeof (guint); i++)
    to[i] += from[i];
}

guint
model_max_inserts (CupelConformanceContext *context,
                   guint                    n_tables,
                   guint                    n_rows)
{
  return cupel_conformance_context_get_capabilities (context) & CUPEL_CAP_INSERT_RETURNING ? n_tables : n_rows;
}

guint
model_default_selects (CupelConformanceContext *context,
                       guint                    n_batches)
{
  return cupel_conformance_context_get_capabilities (context) & CUPEL_CAP_INSERT_RETURNING ? 0 : n_batches;
}

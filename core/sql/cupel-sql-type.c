/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-sql-type-private.h"

struct _CupelSqlType
{
  guint        ref_count;   /* 0: shared for ever, never counted */
  CupelSqlKind kind;
  guint        length;
  guint        precision;
  guint        scale;
};

G_DEFINE_BOXED_TYPE (CupelSqlType, cupel_sql_type, cupel_sql_type_ref, cupel_sql_type_unref)

#define PLAIN(name) [CUPEL_SQL_##name] = { .kind = CUPEL_SQL_##name }

static CupelSqlType plain_types[] = {
  PLAIN (NULL),
  PLAIN (BOOLEAN),
  PLAIN (INT16),
  PLAIN (INT32),
  PLAIN (INT64),
  PLAIN (FLOAT),
  PLAIN (DOUBLE),
  PLAIN (NUMERIC),
  PLAIN (STRING),
  PLAIN (TEXT),
  PLAIN (BYTES),
  PLAIN (DATE),
  PLAIN (TIME),
  PLAIN (DATETIME),
  PLAIN (TIMESTAMP),
  PLAIN (UUID),
  PLAIN (JSON),
};

static const char *const kind_names[] = {
  [CUPEL_SQL_NULL] = "unknown",
  [CUPEL_SQL_BOOLEAN] = "boolean",
  [CUPEL_SQL_INT16] = "int16",
  [CUPEL_SQL_INT32] = "int32",
  [CUPEL_SQL_INT64] = "int64",
  [CUPEL_SQL_FLOAT] = "float",
  [CUPEL_SQL_DOUBLE] = "double",
  [CUPEL_SQL_NUMERIC] = "numeric",
  [CUPEL_SQL_STRING] = "string",
  [CUPEL_SQL_TEXT] = "text",
  [CUPEL_SQL_BYTES] = "bytes",
  [CUPEL_SQL_DATE] = "date",
  [CUPEL_SQL_TIME] = "time",
  [CUPEL_SQL_DATETIME] = "datetime",
  [CUPEL_SQL_TIMESTAMP] = "timestamp",
  [CUPEL_SQL_UUID] = "uuid",
  [CUPEL_SQL_JSON] = "json",
};

CupelSqlType *
cupel_sql_type_plain (CupelSqlKind kind)
{
  return &plain_types[kind];
}

const char *
cupel_sql_kind_name (CupelSqlKind kind)
{
  return kind_names[kind];
}

gboolean
cupel_sql_type_equal (const CupelSqlType *a,
                       const CupelSqlType *b)
{
  return a == b || (a->kind == b->kind && a->length == b->length &&
                    a->precision == b->precision && a->scale == b->scale);
}

/**
 * cupel_sql_type_new:
 * @kind: what kind of type
 *
 * Gets the type of a kind, without a length, precision or scale.
 *
 * Returns: (transfer full): the type
 *
 * Since: 1.0
 */
CupelSqlType *
cupel_sql_type_new (CupelSqlKind kind)
{
  g_return_val_if_fail ((guint) kind < G_N_ELEMENTS (plain_types), NULL);

  return &plain_types[kind];
}

static CupelSqlType *
cupel_sql_type_alloc (CupelSqlKind kind)
{
  CupelSqlType *type = g_new0 (CupelSqlType, 1);

  type->ref_count = 1;
  type->kind = kind;

  return type;
}

/**
 * cupel_sql_type_new_sized:
 * @kind: %CUPEL_SQL_STRING, %CUPEL_SQL_TEXT or %CUPEL_SQL_BYTES
 * @length: the greatest length, in characters for text and in bytes else; 0 for none
 *
 * Gets a type with a length: `VARCHAR(50)` is a %CUPEL_SQL_STRING of 50.
 *
 * Returns: (transfer full): the type
 *
 * Since: 1.0
 */
CupelSqlType *
cupel_sql_type_new_sized (CupelSqlKind kind,
                          guint        length)
{
  CupelSqlType *type;

  g_return_val_if_fail (kind == CUPEL_SQL_STRING || kind == CUPEL_SQL_TEXT || kind == CUPEL_SQL_BYTES, NULL);

  if (length == 0)
    return cupel_sql_type_new (kind);

  type = cupel_sql_type_alloc (kind);
  type->length = length;

  return type;
}

/**
 * cupel_sql_type_new_numeric:
 * @precision: how many digits in all, 0 for the server's own limit
 * @scale: how many of them behind the point
 *
 * Gets the type of exact decimal numbers.
 *
 * Returns: (transfer full): the type
 *
 * Since: 1.0
 */
CupelSqlType *
cupel_sql_type_new_numeric (guint precision,
                            guint scale)
{
  CupelSqlType *type;

  g_return_val_if_fail (scale <= precision, NULL);

  if (precision == 0)
    return cupel_sql_type_new (CUPEL_SQL_NUMERIC);

  type = cupel_sql_type_alloc (CUPEL_SQL_NUMERIC);
  type->precision = precision;
  type->scale = scale;

  return type;
}

/**
 * cupel_sql_type_ref:
 * @type: a type
 *
 * Adds a reference. Any thread may do so.
 *
 * Returns: (transfer full): @type
 *
 * Since: 1.0
 */
CupelSqlType *
cupel_sql_type_ref (CupelSqlType *type)
{
  g_return_val_if_fail (type != NULL, NULL);

  if (type < plain_types || type >= plain_types + G_N_ELEMENTS (plain_types))
    g_atomic_int_inc (&type->ref_count);

  return type;
}

/**
 * cupel_sql_type_unref:
 * @type: (transfer full): a type
 *
 * Drops a reference. Any thread may do so.
 *
 * Since: 1.0
 */
void
cupel_sql_type_unref (CupelSqlType *type)
{
  g_return_if_fail (type != NULL);

  if (type >= plain_types && type < plain_types + G_N_ELEMENTS (plain_types))
    return;
  if (g_atomic_int_dec_and_test (&type->ref_count))
    g_free (type);
}

/**
 * cupel_sql_type_get_kind:
 * @type: a type
 *
 * Gets the kind of a type.
 *
 * Returns: the kind
 *
 * Since: 1.0
 */
CupelSqlKind
cupel_sql_type_get_kind (const CupelSqlType *type)
{
  g_return_val_if_fail (type != NULL, CUPEL_SQL_NULL);

  return type->kind;
}

/**
 * cupel_sql_type_get_length:
 * @type: a type
 *
 * Gets the greatest length that values of the type may have.
 *
 * Returns: the length in characters or bytes, 0 if the type has none
 *
 * Since: 1.0
 */
guint
cupel_sql_type_get_length (const CupelSqlType *type)
{
  g_return_val_if_fail (type != NULL, 0);

  return type->length;
}

/**
 * cupel_sql_type_get_precision:
 * @type: a type
 *
 * Gets the number of digits of a %CUPEL_SQL_NUMERIC.
 *
 * Returns: the number of digits, 0 if the type does not say
 *
 * Since: 1.0
 */
guint
cupel_sql_type_get_precision (const CupelSqlType *type)
{
  g_return_val_if_fail (type != NULL, 0);

  return type->precision;
}

/**
 * cupel_sql_type_get_scale:
 * @type: a type
 *
 * Gets how many digits of a %CUPEL_SQL_NUMERIC stand behind the point.
 *
 * Returns: the number of digits
 *
 * Since: 1.0
 */
guint
cupel_sql_type_get_scale (const CupelSqlType *type)
{
  g_return_val_if_fail (type != NULL, 0);

  return type->scale;
}

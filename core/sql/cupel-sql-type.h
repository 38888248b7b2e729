/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "runtime/cupel-error.h"

G_BEGIN_DECLS

/* The generic types; a dialect names each. */
/**
 * CupelSqlKind:
 * @CUPEL_SQL_NULL: not known: whatever the server says
 * @CUPEL_SQL_BOOLEAN: true or false
 * @CUPEL_SQL_INT16: an integer of 16 bits
 * @CUPEL_SQL_INT32: an integer of 32 bits
 * @CUPEL_SQL_INT64: an integer of 64 bits
 * @CUPEL_SQL_FLOAT: a floating-point number of 32 bits
 * @CUPEL_SQL_DOUBLE: a floating-point number of 64 bits
 * @CUPEL_SQL_NUMERIC: an exact decimal with precision and scale
 * @CUPEL_SQL_STRING: text with a length; without one, a dialect that needs it gives 255
 * @CUPEL_SQL_TEXT: text of any length
 * @CUPEL_SQL_BYTES: bytes
 * @CUPEL_SQL_DATE: a day
 * @CUPEL_SQL_TIME: a time of the day
 * @CUPEL_SQL_DATETIME: wall clock without a zone
 * @CUPEL_SQL_TIMESTAMP: an instant, UTC on the wire
 * @CUPEL_SQL_UUID: a UUID
 * @CUPEL_SQL_JSON: JSON
 *
 * What kind of type a column or a value has in SQL.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_SQL_NULL,
  CUPEL_SQL_BOOLEAN,
  CUPEL_SQL_INT16,
  CUPEL_SQL_INT32,
  CUPEL_SQL_INT64,
  CUPEL_SQL_FLOAT,
  CUPEL_SQL_DOUBLE,
  CUPEL_SQL_NUMERIC,
  CUPEL_SQL_STRING,
  CUPEL_SQL_TEXT,
  CUPEL_SQL_BYTES,
  CUPEL_SQL_DATE,
  CUPEL_SQL_TIME,
  CUPEL_SQL_DATETIME,
  CUPEL_SQL_TIMESTAMP,
  CUPEL_SQL_UUID,
  CUPEL_SQL_JSON,
} CupelSqlKind;

/**
 * CupelSqlType:
 *
 * An SQL type: a kind with its length, precision and scale. Immutable; those without arguments are shared.
 */
typedef struct _CupelSqlType CupelSqlType;

#define CUPEL_TYPE_SQL_TYPE (cupel_sql_type_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType               cupel_sql_type_get_type      (void) G_GNUC_CONST;
CUPEL_AVAILABLE_IN_1_0
CupelSqlType       *cupel_sql_type_new           (CupelSqlKind        kind);
CUPEL_AVAILABLE_IN_1_0
CupelSqlType       *cupel_sql_type_new_sized     (CupelSqlKind        kind,
                                                  guint               length);
CUPEL_AVAILABLE_IN_1_0
CupelSqlType       *cupel_sql_type_new_numeric   (guint               precision,
                                                  guint               scale);
CUPEL_AVAILABLE_IN_1_0
CupelSqlType       *cupel_sql_type_ref           (CupelSqlType       *type);
CUPEL_AVAILABLE_IN_1_0
void                cupel_sql_type_unref         (CupelSqlType       *type);
CUPEL_AVAILABLE_IN_1_0
CupelSqlKind        cupel_sql_type_get_kind      (const CupelSqlType *type);
CUPEL_AVAILABLE_IN_1_0
guint               cupel_sql_type_get_length    (const CupelSqlType *type);
CUPEL_AVAILABLE_IN_1_0
guint               cupel_sql_type_get_precision (const CupelSqlType *type);
CUPEL_AVAILABLE_IN_1_0
guint               cupel_sql_type_get_scale     (const CupelSqlType *type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelSqlType, cupel_sql_type_unref)

G_END_DECLS

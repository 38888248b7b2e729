/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "sql/cupel-statement.h"

G_BEGIN_DECLS

/**
 * CupelSlotSource:
 * @CUPEL_SLOT_LITERAL: the nth literal of the statement, in the order of the walk that makes the cache key
 * @CUPEL_SLOT_BIND: the nth bind: the nth cell of a parameter set
 *
 * Where the value of a placeholder comes from.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_SLOT_LITERAL,
  CUPEL_SLOT_BIND,
} CupelSlotSource;

/**
 * CupelSlot: (skip)
 *
 * One placeholder of a compiled statement, in the order of the placeholders.
 */
typedef struct
{
  CupelSlotSource  source;
  guint            index;   /* of the literal or the bind */
  CupelSqlType    *type;    /* never NULL; kind CUPEL_SQL_NULL when not known */
  guint            offset;  /* of the placeholder in the text, in bytes: for drivers whose library binds nothing */
  guint            length;  /* of the placeholder */
} CupelSlot;

/**
 * CupelSlotList: (skip)
 *
 * Where `operand IN (value, value, ...)` stands in a compiled statement, for a dialect that can send the values as one: text[start]
 * is the space behind the operand, which is in parentheses if it needs them before an operator of comparison, and text[end] is what
 * follows the closing parenthesis. There is no list where none was written: for no values at all, and in raw SQL.
 */
typedef struct
{
  guint          start;      /* in the text, in bytes */
  guint          end;
  guint          first_slot; /* its placeholders, one after the other; of the source CUPEL_SLOT_LITERAL */
  guint          n_slots;    /* at least 1: a short list is padded with its last value */
  CupelSqlType  *type;       /* of each value; that of its slots */
  gboolean       negated;    /* NOT IN */
} CupelSlotList;

/**
 * CupelResultColumn: (skip)
 *
 * A column of what a compiled statement returns.
 *
 * Since: 1.0
 */
typedef struct
{
  const char   *name;       /* NULL: a text statement, whose reply says it */
  CupelSqlType *type;       /* what the statement says of it; kind CUPEL_SQL_NULL when not known */
} CupelResultColumn;

/**
 * CupelCompiledKind:
 * @CUPEL_COMPILED_SELECT: SELECT
 * @CUPEL_COMPILED_INSERT: INSERT
 * @CUPEL_COMPILED_UPDATE: UPDATE
 * @CUPEL_COMPILED_DELETE: DELETE
 * @CUPEL_COMPILED_DDL: CREATE or DROP
 * @CUPEL_COMPILED_TEXT: raw SQL
 *
 * What kind of statement was compiled.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_COMPILED_SELECT,
  CUPEL_COMPILED_INSERT,
  CUPEL_COMPILED_UPDATE,
  CUPEL_COMPILED_DELETE,
  CUPEL_COMPILED_DDL,
  CUPEL_COMPILED_TEXT,
} CupelCompiledKind;

/**
 * CupelCompiled: (skip)
 *
 * A statement as one dialect spells it. Immutable but for lazily made forms, shared through the engine's cache,
 * reference-counted atomically: a driver's thread may hold it.
 */
typedef struct _CupelCompiled CupelCompiled;

struct _CupelCompiled
{
  CupelCompiledKind        kind;
  guint64                  id;              /* unique in the process: the key of a prepared statement */
  const char              *sql;
  gsize                    sql_length;
  const CupelSlot         *slots;
  guint                    n_slots;
  const char *const       *bind_names;      /* order of the cells of a parameter set */
  guint                    n_binds;
  const CupelResultColumn *columns;
  guint                    n_columns;       /* 0: not known or no rows */
  gboolean                 returns_rows;    /* TEXT: TRUE when it cannot be excluded */
  /* INSERT of one VALUES group: sql == prefix group suffix. NULL for every other form. */
  const char              *insert_prefix;   /* "INSERT INTO a (data) VALUES " */
  const char              *insert_suffix;   /* " RETURNING id" or "" */
  const char              *table_name;      /* of INSERT, UPDATE, DELETE, DDL */
  const CupelSlotList     *lists;           /* of sql, in the order of the text; none is inside another */
  guint                    n_lists;
};

CUPEL_AVAILABLE_IN_1_0
CupelCompiled *cupel_compiled_ref            (CupelCompiled   *compiled);
CUPEL_AVAILABLE_IN_1_0
void           cupel_compiled_unref          (CupelCompiled   *compiled);
/* The INSERT with @n_rows groups of placeholders, in the compiler's own numbering; slots repeat row after row.
 * Kept for the last few n_rows. Thread-safe. */
CUPEL_AVAILABLE_IN_1_0
char          *cupel_compiled_dup_multi_insert (CupelCompiled *compiled,
                                              guint            n_rows);         /* (transfer full) */
CUPEL_AVAILABLE_IN_1_0
int            cupel_compiled_find_bind      (CupelCompiled   *compiled,
                                              const char      *name);           /* -1: none */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelCompiled, cupel_compiled_unref)

/* Every vfunc appends to the compiler's text with cupel_compiler_append(). */
#define CUPEL_TYPE_COMPILER (cupel_compiler_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (CupelCompiler, cupel_compiler, CUPEL, COMPILER, GObject)

struct _CupelCompilerClass
{
  GObjectClass parent_class;

  char     quote_open;         /* '"' */
  char     quote_close;        /* '"', doubled inside */
  guint    max_identifier;     /* bytes; 63 */
  gboolean backslash_escapes;  /* a backslash in a quoted text constant has to be doubled; FALSE */

  void (*placeholder)        (CupelCompiler      *self,
                              guint               number,      /* from 1 */
                              const CupelSqlType *type);       /* default "?" */
  void (*type_name)          (CupelCompiler      *self,
                              const CupelSqlType *type);       /* default: the standard's names */
  /* name, type, NOT NULL, DEFAULT, generated key, UNIQUE, and for a single-column key PRIMARY KEY if the dialect wants it there */
  void (*column_definition)  (CupelCompiler      *self,
                              CupelColumn        *column);
  void (*create_table_suffix) (CupelCompiler     *self,
                              CupelTable         *table);      /* default nothing; MySQL: " DEFAULT CHARSET=utf8mb4" */
  void (*server_default)     (CupelCompiler      *self,
                              CupelExpression    *expression); /* what stands after DEFAULT */
  void (*function)           (CupelCompiler      *self,
                              const char         *name,
                              CupelExpression   **arguments,
                              gsize               n_arguments); /* now() becomes CURRENT_TIMESTAMP by default */
  void (*binary)             (CupelCompiler      *self,
                              const char         *op,          /* "=", "||", "/" ... */
                              CupelExpression    *left,
                              CupelExpression    *right);
  void (*boolean_literal)    (CupelCompiler      *self,
                              gboolean            value);      /* TRUE and FALSE; for constants that the compiler itself makes */
  void (*limit)              (CupelCompiler      *self,
                              CupelExpression    *limit,       /* nullable */
                              CupelExpression    *offset);     /* nullable */
  void (*default_values)     (CupelCompiler      *self);       /* INSERT without columns: " DEFAULT VALUES" */
  /* Whether column_definition writes PRIMARY KEY for @column, the only one of its table's key; default FALSE: it stands at the
   * end of the table, as it does for a key of several columns. */
  gboolean (*inline_primary_key) (CupelCompiler  *self,
                              CupelColumn        *column);
  void (*between)            (CupelCompiler      *self,
                              gboolean            negated,
                              CupelExpression    *operand,
                              CupelExpression    *low,
                              CupelExpression    *high);
  /* What ORDER BY sorts by; default the expression itself. For values that the server stores in a form that sorts otherwise. */
  void (*order_key)          (CupelCompiler      *self,
                              CupelExpression    *expression);

  gpointer _reserved[16];
};

CUPEL_AVAILABLE_IN_1_0
void           cupel_compiler_append             (CupelCompiler       *compiler,
                                                  const char          *text);
CUPEL_AVAILABLE_IN_1_0
void           cupel_compiler_append_printf      (CupelCompiler       *compiler,
                                                  const char          *format,
                                                  ...) G_GNUC_PRINTF (2, 3);
CUPEL_AVAILABLE_IN_1_0
void           cupel_compiler_append_identifier  (CupelCompiler       *compiler,
                                                  const char          *name);       /* always quoted */
CUPEL_AVAILABLE_IN_1_0
void           cupel_compiler_append_expression  (CupelCompiler       *compiler,
                                                  CupelExpression     *expression);
/* The SQL type of an expression, kind CUPEL_SQL_NULL when it is not known. (transfer none) */
CUPEL_AVAILABLE_IN_1_0
CupelSqlType  *cupel_expression_get_sql_type     (const CupelExpression *expression);
/* A constant in the text, typed and checked: for DDL defaults only. */
CUPEL_AVAILABLE_IN_1_0
void           cupel_compiler_append_constant    (CupelCompiler       *compiler,
                                                  const CupelValue    *value);
/* First problem wins: the statement then fails with CUPEL_ERROR_UNSUPPORTED or the code given. */
CUPEL_AVAILABLE_IN_1_0
void           cupel_compiler_fail               (CupelCompiler       *compiler,
                                                  CupelError           code,
                                                  const char          *format,
                                                  ...) G_GNUC_PRINTF (3, 4);
CUPEL_AVAILABLE_IN_1_0
CupelCompiled *cupel_compiler_compile            (CupelCompiler       *compiler,
                                                  CupelStatement      *statement,
                                                  GError             **error);

G_END_DECLS

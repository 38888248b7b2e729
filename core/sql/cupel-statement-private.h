/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-compiler.h"
#include "sql/cupel-expression-private.h"
#include "sql/cupel-shape-private.h"
#include "sql/cupel-statement.h"

G_BEGIN_DECLS

typedef enum
{
  CUPEL_STATEMENT_SELECT,
  CUPEL_STATEMENT_INSERT,
  CUPEL_STATEMENT_UPDATE,
  CUPEL_STATEMENT_DELETE,
  CUPEL_STATEMENT_TEXT,
  CUPEL_STATEMENT_CREATE_TABLE,
  CUPEL_STATEMENT_DROP_TABLE,
  CUPEL_STATEMENT_CREATE_INDEX,
} CupelStatementKind;

/* What a statement compiled to for one cache. */
typedef struct
{
  guint64        serial;      /* of the cache, 0: free */
  CupelCompiled *compiled;
} CupelRemembered;

#define CUPEL_N_REMEMBERED 4

struct _CupelStatement
{
  GObject          parent_instance;

  GPtrArray       *options;     /* nullable */
  const char      *broken;      /* the call that was given no expression; NULL: none */
  int              frozen;      /* atomic */

  /* once frozen; under the lock, since threads may share a frozen statement */
  GMutex           lock;
  CupelShape      *shape;       /* nullable */
  CupelRemembered  remembered[CUPEL_N_REMEMBERED];
  guint            next_remembered;
};

struct _CupelStatementClass
{
  GObjectClass        parent_class;

  CupelStatementKind  kind;
  /* Copies what the subclass adds; @to is new. */
  void              (*copy) (CupelStatement *from,
                             CupelStatement *to);
};

static inline CupelStatementKind
cupel_statement_get_kind (CupelStatement *statement)
{
  return ((CupelStatementClass *) ((GTypeInstance *) statement)->g_class)->kind;
}

/* A caller that lost an expression, by a misspelt name for one, must not get a statement that does more: a DELETE without its
 * condition. Says so at once, and makes the execution fail. */
static inline gboolean
cupel_statement_accepts (CupelStatement *statement,
                         gconstpointer   expression,
                         const char     *function)
{
  if (G_LIKELY (expression != NULL))
    return TRUE;
  g_critical ("%s: the expression is NULL", function);
  if (statement->broken == NULL)
    statement->broken = function;
  return FALSE;
}

gboolean cupel_statement_check (CupelStatement  *statement,
                                GError         **error);

typedef struct
{
  CupelTable      *table;
  CupelExpression *on;          /* nullable: by the foreign key */
  gboolean         outer;
} CupelJoin;

struct _CupelSelect
{
  CupelStatement   parent_instance;

  GPtrArray       *columns;     /* CupelExpression */
  GPtrArray       *from;        /* CupelTable: named explicitly */
  GPtrArray       *joins;       /* CupelJoin */
  CupelExpression *where;       /* nullable */
  GPtrArray       *group_by;    /* CupelExpression */
  CupelExpression *having;      /* nullable */
  GPtrArray       *order_by;    /* CupelExpression */
  CupelExpression *limit;       /* nullable: a literal */
  CupelExpression *offset;      /* nullable: a literal */
  gboolean         distinct;
  GType            entity_type;
};

struct _CupelSelectClass
{
  CupelStatementClass parent_class;
};

/* A column of INSERT or UPDATE with its value; NULL: the bind of the column's name. */
typedef struct
{
  CupelColumn     *column;
  CupelExpression *value;
} CupelAssignment;

struct _CupelInsert
{
  CupelStatement  parent_instance;

  CupelTable     *table;
  GPtrArray      *assignments;  /* CupelAssignment */
  GPtrArray      *returning;    /* CupelExpression */
};

struct _CupelInsertClass
{
  CupelStatementClass parent_class;
};

struct _CupelUpdate
{
  CupelStatement   parent_instance;

  CupelTable      *table;
  GPtrArray       *assignments; /* CupelAssignment */
  CupelExpression *where;
  GPtrArray       *returning;
};

struct _CupelUpdateClass
{
  CupelStatementClass parent_class;
};

struct _CupelDelete
{
  CupelStatement   parent_instance;

  CupelTable      *table;
  CupelExpression *where;
  GPtrArray       *returning;
};

struct _CupelDeleteClass
{
  CupelStatementClass parent_class;
};

struct _CupelText
{
  CupelStatement   parent_instance;

  CupelExpression *raw;
  CupelSqlType   **bind_types;    /* per bind of the raw SQL, each nullable */
  GPtrArray       *result_types;  /* CupelSqlType */
};

struct _CupelTextClass
{
  CupelStatementClass parent_class;
};

struct _CupelCreateTable
{
  CupelStatement  parent_instance;

  CupelTable     *table;
};

struct _CupelCreateTableClass
{
  CupelStatementClass parent_class;
};

struct _CupelDropTable
{
  CupelStatement  parent_instance;

  CupelTable     *table;
};

struct _CupelDropTableClass
{
  CupelStatementClass parent_class;
};

struct _CupelCreateIndex
{
  CupelStatement  parent_instance;

  CupelColumn    *column;
  CupelTable     *table;
};

struct _CupelCreateIndexClass
{
  CupelStatementClass parent_class;
};

void        cupel_statement_freeze        (CupelStatement   *statement);
/* FALSE after a critical when @statement is frozen; @expression (transfer full) (nullable) is let go then. */
gboolean    cupel_statement_check_mutable (CupelStatement   *statement,
                                           const char       *function,
                                           CupelExpression  *expression);
/* Freezes; the literals, the binds and the key. (transfer none) */
CupelShape *cupel_statement_get_shape     (CupelStatement   *statement,
                                           GError          **error);

/* Arrays of expressions. */
GPtrArray  *cupel_expressions_new         (void);
GPtrArray  *cupel_expressions_copy        (GPtrArray        *expressions);

GPtrArray  *cupel_assignments_new         (void);
GPtrArray  *cupel_assignments_copy        (GPtrArray        *assignments);
/* @value: (transfer full) (nullable); a later value for a column replaces an earlier one */
void        cupel_assignments_set         (GPtrArray        *assignments,
                                           CupelColumn      *column,
                                           CupelExpression  *value);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-compiler.h"
#include "sql/cupel-statement-private.h"

G_BEGIN_DECLS

/* Where a placeholder of the VALUES group stands in the text. */
typedef struct
{
  guint slot;
  gsize start;
  gsize end;
} CupelGroupMark;

/* What is being compiled. */
typedef struct
{
  GMutex       lock;
  GString     *sql;
  GArray      *slots;         /* CupelSlot, each with a reference on its type */
  GArray      *lists;         /* CupelSlotList; NULL: none yet */
  CupelShape  *shape;
  GHashTable  *nodes;         /* of the shape's, by expression */
  GArray      *marks;         /* CupelGroupMark: not NULL inside the VALUES group */
  GPtrArray   *scope;         /* CupelTable */
  gboolean     qualify;       /* columns with their table */
  gboolean     constants;     /* DDL: literals stand in the text */
  guint        parent;        /* precedence of the operator around, 0: none */
  guint        parent_op;     /* CupelExpressionKind and CupelOp of it */
  GError      *error;
} CupelCompilerState;

CupelCompilerState *cupel_compiler_get_state    (CupelCompiler       *compiler);

/* Adds a slot and its placeholder. */
void                cupel_compiler_append_slot  (CupelCompiler       *compiler,
                                                 CupelSlotSource      source,
                                                 guint                index,
                                                 CupelSqlType        *type);
/* As it stands, with placeholders for its binds. @types: (nullable): theirs */
void                cupel_compiler_append_raw   (CupelCompiler       *compiler,
                                                 const CupelRawSql   *raw,
                                                 CupelSqlType       **types);
void                cupel_compiler_append_select (CupelCompiler      *compiler,
                                                 CupelSelect         *select,
                                                 gboolean             exists);
void                cupel_compiler_append_column_list (CupelCompiler *compiler,
                                                 GPtrArray           *expressions);
/* DDL */
void                cupel_compiler_append_create_table (CupelCompiler *compiler,
                                                 CupelTable          *table);
void                cupel_compiler_append_drop_table (CupelCompiler  *compiler,
                                                 CupelTable          *table);
void                cupel_compiler_append_create_index (CupelCompiler *compiler,
                                                 CupelColumn         *column);
/* Defaults of the vfuncs. */
void                cupel_compiler_type_name         (CupelCompiler       *compiler,
                                                      const CupelSqlType  *type);
void                cupel_compiler_column_definition (CupelCompiler       *compiler,
                                                      CupelColumn         *column);

/* @shape: that of @statement, whose lock the caller holds */
CupelCompiled      *cupel_compiler_compile_shape (CupelCompiler      *compiler,
                                                 CupelStatement      *statement,
                                                 CupelShape          *shape,
                                                 GError             **error);

/* Takes over what the state holds. */
CupelCompiled      *cupel_compiled_new          (CupelCompiler       *compiler,
                                                 CupelCompiledKind    kind,
                                                 CupelCompilerState  *state);
/* @name: (nullable); copies */
void                cupel_compiled_set_columns  (CupelCompiled       *compiled,
                                                 GPtrArray           *expressions);
void                cupel_compiled_set_text_columns (CupelCompiled   *compiled,
                                                 GPtrArray           *types);
void                cupel_compiled_set_table_name (CupelCompiled     *compiled,
                                                 const char          *name);
/* What the layer above derives from a compiled statement once and keeps with it. Any thread; NULL: nothing yet. */
gpointer            cupel_compiled_get_derived  (CupelCompiled       *compiled);
/* Takes @data over, unless another thread was first: then it is freed. What there is now. */
gpointer            cupel_compiled_set_derived  (CupelCompiled       *compiled,
                                                 gpointer             data,
                                                 GDestroyNotify       destroy);
/* The group stands at [start, end) of the text. */
void                cupel_compiled_set_group    (CupelCompiled       *compiled,
                                                 gsize                start,
                                                 gsize                end,
                                                 GArray              *marks);

G_END_DECLS

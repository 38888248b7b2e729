/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-expression-private.h"
#include "sql/cupel-name-list-private.h"
#include "sql/cupel-statement.h"

G_BEGIN_DECLS

/* What can be said of a statement without a dialect: its structural key, its literals in the order of the walk, its binds,
 * and what type each of them has where it stands. */

typedef struct
{
  const CupelExpression *node;   /* LITERAL, IN, BIND */
  guint                  index;  /* LITERAL: of the literal; IN: of the first of them; BIND: of the bind */
  CupelSqlType          *type;   /* (transfer full) never NULL */
} CupelShapeNode;

typedef struct
{
  CupelCell         key;         /* bytes; NULL for a statement that is not cached */
  guint             hash;
  const CupelCell **literals;
  guint             n_literals;
  CupelNameList     binds;
  char            **bind_names;  /* of the list, NULL at the end */
  guint             n_binds;
  CupelShapeNode   *nodes;
  guint             n_nodes;
} CupelShape;

/* The statement is frozen and outlives the shape. */
CupelShape           *cupel_shape_new       (CupelStatement         *statement,
                                             GError                **error);
void                  cupel_shape_free      (CupelShape             *shape);
int                   cupel_shape_find_bind (const CupelShape       *shape,
                                             const char             *name);

/* Both walks of a SELECT, for the key and for the text, have to agree on these. */

/* The tables of its FROM that are not joined, in order. @scope: tables of the statements around it. */
GPtrArray            *cupel_select_get_froms (CupelSelect           *select,
                                              GPtrArray             *scope);
/* The condition of the nth join. (transfer full) */
CupelExpression      *cupel_select_get_join_condition (CupelSelect  *select,
                                              guint                  nth,
                                              GPtrArray             *froms,
                                              GError               **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-driver.h"
#include "engine/cupel-result.h"

G_BEGIN_DECLS

/* The names of the columns of a result, shared by it and its rows, and mostly by all results of a statement. */
typedef struct
{
  gatomicrefcount   ref_count;     /* unless it is kept with: */
  CupelCompiled    *keeper;        /* nullable: whose references count in place of its own */
  guint             n_columns;
  CupelCompiled    *compiled;      /* nullable: keeps the names */
  char            **owned_names;   /* nullable: when the statement does not know them */
  const char      *names[];
} CupelRowShape;

/* Takes the names out of @reply if it has them. */
CupelRowShape *cupel_row_shape_new   (CupelCompiled *compiled,
                               CupelReply    *reply);
CupelRowShape *cupel_row_shape_ref   (CupelRowShape    *shape);
void        cupel_row_shape_unref (CupelRowShape    *shape);
int         cupel_row_shape_find  (CupelRowShape    *shape,
                               const char    *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelRowShape, cupel_row_shape_unref)

CupelRow   *cupel_row_new     (CupelRowShape    *shape,
                               CupelRowBlock *block,
                               guint          index);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-driver.h"
#include "engine/cupel-result.h"

G_BEGIN_DECLS

/* The names of the columns of a result, shared by it and its rows. */
typedef struct
{
  gatomicrefcount   ref_count;
  guint             n_columns;
  CupelCompiled    *compiled;      /* nullable: keeps the names */
  char            **owned_names;   /* nullable: when the statement does not know them */
  const char      *names[];
} CupelShape;

/* Takes the names out of @reply if it has them. */
CupelShape *cupel_shape_new   (CupelCompiled *compiled,
                               CupelReply    *reply);
CupelShape *cupel_shape_ref   (CupelShape    *shape);
void        cupel_shape_unref (CupelShape    *shape);
int         cupel_shape_find  (CupelShape    *shape,
                               const char    *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelShape, cupel_shape_unref)

CupelRow   *cupel_row_new     (CupelShape    *shape,
                               CupelRowBlock *block,
                               guint          index);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "orm/cupel-mapper-private.h"

G_BEGIN_DECLS

struct _CupelLoaderOption
{
  GObject              parent_instance;

  GType                type;
  char                *relationship;
  char                *strategy_name;
  CupelLoaderStrategy *strategy;       /* found at first use */
};

/* NULL with @error: no such class, relationship or strategy. */
CupelRelationship *cupel_loader_option_resolve (CupelLoaderOption    *self,
                                                CupelLoaderStrategy **strategy,
                                                GError              **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-frozen-result.h"

G_BEGIN_DECLS

/* (nullable) (transfer none): the entities that were frozen. */
GPtrArray *cupel_frozen_result_get_entities  (CupelFrozenResult *self);
GType      cupel_frozen_result_get_item_type (CupelFrozenResult *self);

G_END_DECLS

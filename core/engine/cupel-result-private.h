/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-row-private.h"

G_BEGIN_DECLS

/* Takes the rows and names out of @reply, which is left to be cleared. */
CupelResult   *cupel_result_new_from_reply (CupelCompiled *compiled,
                                            CupelReply    *reply);
/* A result whose first column is @entities (transfer full: it owns a reference of each; NULL elements are left out by next ()).
 * @reply: (nullable): rows that run parallel to @entities, for further columns. */
CupelResult   *cupel_result_new_entities   (GPtrArray     *entities,
                                            GType          item_type,
                                            CupelCompiled *compiled,
                                            CupelReply    *reply);
/* The same from names that are known already. */
CupelResult   *cupel_result_new_with_shape (CupelRowShape    *shape,
                                            CupelReply    *reply);
/* For those who keep or read a whole result. */
GPtrArray     *cupel_result_get_blocks     (CupelResult   *result);   /* (nullable) (element-type CupelRowBlock) */
CupelRowShape    *cupel_result_get_shape      (CupelResult   *result);
GType          cupel_result_get_item_type  (CupelResult   *result);
GArray        *cupel_result_get_insert_ids (CupelResult   *result);   /* (nullable) (element-type gint64) */

G_END_DECLS

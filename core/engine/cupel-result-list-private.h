/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The entities of a result as a list model. A list store would take a node for each of them, in one go: too long for a loop that serves an
 * interface. */
#define CUPEL_TYPE_RESULT_LIST (cupel_result_list_get_type ())

G_DECLARE_FINAL_TYPE (CupelResultList, cupel_result_list, CUPEL, RESULT_LIST, GObject)

/* Takes @items, which is of g_malloc (), and the reference of each. */
CupelResultList *cupel_result_list_new (GType     item_type,
                                        gpointer *items,
                                        guint     n_items);

G_END_DECLS

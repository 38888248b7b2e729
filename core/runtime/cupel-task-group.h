/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "runtime/cupel-fiber.h"

G_BEGIN_DECLS

/**
 * CupelTaskGroup: (skip)
 *
 * Runs several functions, each in a fiber of its own, and joins them.
 * The first failure cancels the others; join reports it after all have ended.
 */
typedef struct _CupelTaskGroup CupelTaskGroup;

CUPEL_AVAILABLE_IN_1_0
CupelTaskGroup *cupel_task_group_new   (GCancellable    *parent);   /* NULL, or what also cancels the group */
CUPEL_AVAILABLE_IN_1_0
void            cupel_task_group_spawn (CupelTaskGroup  *group,
                                        CupelRunFunc     func,
                                        gpointer         user_data,
                                        GDestroyNotify   destroy);
/* Suspends until every task has ended. Call it from a fiber, once. */
CUPEL_AVAILABLE_IN_1_0
gboolean        cupel_task_group_join  (CupelTaskGroup  *group,
                                        GError         **error);
/* Cancels and forgets: tasks still running end on their own. */
CUPEL_AVAILABLE_IN_1_0
void            cupel_task_group_free  (CupelTaskGroup  *group);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelTaskGroup, cupel_task_group_free)

G_END_DECLS

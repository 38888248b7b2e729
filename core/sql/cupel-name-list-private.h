/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Names of binds, each once, in the order in which they came. A few are looked through; many are found by their hash. */
typedef struct
{
  GPtrArray  *names;    /* owned texts */
  GHashTable *places;   /* of the names; NULL: they are few */
} CupelNameList;

void     cupel_name_list_init  (CupelNameList        *self);
void     cupel_name_list_clear (CupelNameList        *self);
/* The place of @name, which is added when it is not there. */
guint    cupel_name_list_add   (CupelNameList        *self,
                                const char           *name);
/* -1: it is not there. */
int      cupel_name_list_find  (const CupelNameList  *self,
                                const char           *name);
/* After the last one a NULL stands behind them; nothing can be added any more. */
char   **cupel_name_list_close (CupelNameList        *self);

G_END_DECLS

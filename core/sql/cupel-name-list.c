/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-name-list-private.h"

#include <string.h>

#define FEW 16

void
cupel_name_list_init (CupelNameList *self)
{
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->places = NULL;
}

void
cupel_name_list_clear (CupelNameList *self)
{
  g_clear_pointer (&self->places, g_hash_table_unref);
  g_clear_pointer (&self->names, g_ptr_array_unref);
}

int
cupel_name_list_find (const CupelNameList *self,
                      const char          *name)
{
  if (self->places != NULL)
    {
      gpointer place;

      return g_hash_table_lookup_extended (self->places, name, NULL, &place) ? GPOINTER_TO_INT (place) : -1;
    }
  for (guint i = 0; i < self->names->len && self->names->pdata[i] != NULL; i++)
    if (strcmp (self->names->pdata[i], name) == 0)
      return (int) i;
  return -1;
}

guint
cupel_name_list_add (CupelNameList *self,
                     const char    *name)
{
  int known = cupel_name_list_find (self, name);
  guint place = self->names->len;

  if (known >= 0)
    return (guint) known;

  g_ptr_array_add (self->names, g_strdup (name));
  if (self->places == NULL && place == FEW)
    {
      self->places = g_hash_table_new (g_str_hash, g_str_equal);
      for (guint i = 0; i < place; i++)
        g_hash_table_insert (self->places, self->names->pdata[i], GUINT_TO_POINTER (i));
    }
  if (self->places != NULL)
    g_hash_table_insert (self->places, self->names->pdata[place], GUINT_TO_POINTER (place));
  return place;
}

char **
cupel_name_list_close (CupelNameList *self)
{
  g_ptr_array_add (self->names, NULL);
  return (char **) self->names->pdata;
}

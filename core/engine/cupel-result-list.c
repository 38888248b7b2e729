/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-result-list-private.h"

#include "runtime/cupel-object-private.h"

struct _CupelResultList
{
  GObject   parent_instance;

  GType     item_type;
  gpointer *items;
  guint     n_items;
};

static GType
get_item_type (GListModel *model)
{
  return CUPEL_RESULT_LIST (model)->item_type;
}

static guint
get_n_items (GListModel *model)
{
  return CUPEL_RESULT_LIST (model)->n_items;
}

static gpointer
get_item (GListModel *model,
          guint       position)
{
  CupelResultList *self = CUPEL_RESULT_LIST (model);

  return position < self->n_items ? g_object_ref (self->items[position]) : NULL;
}

static void
init_list_model (GListModelInterface *interface)
{
  interface->get_item_type = get_item_type;
  interface->get_n_items = get_n_items;
  interface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (CupelResultList, cupel_result_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, init_list_model))

static void
cupel_result_list_finalize (GObject *object)
{
  CupelResultList *self = CUPEL_RESULT_LIST (object);

  for (guint i = 0; i < self->n_items; i++)
    cupel_object_unref (self->items[i]);
  g_free (self->items);

  G_OBJECT_CLASS (cupel_result_list_parent_class)->finalize (object);
}

static void
cupel_result_list_class_init (CupelResultListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_result_list_finalize;
}

static void
cupel_result_list_init (CupelResultList *self)
{
}

CupelResultList *
cupel_result_list_new (GType     item_type,
                       gpointer *items,
                       guint     n_items)
{
  CupelResultList *self = g_object_new (CUPEL_TYPE_RESULT_LIST, NULL);

  self->item_type = item_type;
  self->items = items;
  self->n_items = n_items;

  return self;
}

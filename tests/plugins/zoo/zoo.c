/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One animal of the zoo: a driver that lacks one thing. ZOO_SYMBOL is the end of the entry point's name, ZOO_NAME what the
 * descriptor says, ZOO_TYPE the name of the class; the rest is what is wrong with it. */

#include <cupel-dialect.h>

#define PASTE_(a, b, c) a##b##c
#define PASTE(a, b, c) PASTE_ (a, b, c)
#define DESCRIBE PASTE (cupel_plugin_driver_, ZOO_SYMBOL, _describe)

#ifndef ZOO_MAJOR
# define ZOO_MAJOR CUPEL_PLUGIN_ABI_MAJOR
#endif
#ifndef ZOO_MINOR
# define ZOO_MINOR CUPEL_PLUGIN_ABI_MINOR
#endif
#ifndef ZOO_SIZE
# define ZOO_SIZE sizeof (CupelPluginDescriptor)
#endif
#ifndef ZOO_KIND
# define ZOO_KIND CUPEL_PLUGIN_DRIVER
#endif
#ifndef ZOO_PARENT
# define ZOO_PARENT CUPEL_TYPE_DRIVER
# define ZOO_PARENT_STRUCT CupelDriver
#endif
#ifndef ZOO_FLAGS
# define ZOO_FLAGS 0
#endif
#ifndef ZOO_RETURN
# define ZOO_RETURN &descriptor
#endif
#ifndef ZOO_GET_TYPE
# define ZOO_GET_TYPE zoo_get_type
#endif

#ifdef ZOO_UNRESOLVED
extern int cupel_zoo_nobody_has_this (void);
#endif

typedef struct
{
  ZOO_PARENT_STRUCT parent_instance;
} Zoo;

static void
zoo_class_init (gpointer klass,
                gpointer data)
{
#ifdef ZOO_UNRESOLVED
  g_return_if_fail (cupel_zoo_nobody_has_this () != 0);
#endif
}

G_GNUC_UNUSED static GType
zoo_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    {
      GTypeQuery query;
      GTypeInfo info = { 0, };

      g_type_query (ZOO_PARENT, &query);
      info.class_size = query.class_size;
      info.class_init = zoo_class_init;
      info.instance_size = sizeof (Zoo);
      g_once_init_leave (&type, g_type_register_static (ZOO_PARENT, ZOO_TYPE, &info, ZOO_FLAGS));
    }
  return type;
}

CUPEL_MODULE_EXPORT const CupelPluginDescriptor *DESCRIBE (void);

CUPEL_MODULE_EXPORT const CupelPluginDescriptor *
DESCRIBE (void)
{
  static const char *const other_names[] = { "zoo-alias", NULL };
  G_GNUC_UNUSED static const CupelPluginDescriptor descriptor = {
    .size = ZOO_SIZE,
    .abi_major = ZOO_MAJOR,
    .abi_minor = ZOO_MINOR,
    .kind = ZOO_KIND,
    .name = ZOO_NAME,
    .other_names = other_names,
    .version = "1",
    .get_type = ZOO_GET_TYPE,
  };

  return ZOO_RETURN;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "runtime/cupel-error.h"

G_BEGIN_DECLS

/**
 * CupelPluginKind:
 * @CUPEL_PLUGIN_DIALECT: SQL knowledge of one kind of server, a #CupelDialect
 * @CUPEL_PLUGIN_DRIVER: transport to a server, a #CupelDriver
 * @CUPEL_PLUGIN_POOL: a connection pool, a #CupelPool
 * @CUPEL_PLUGIN_LOADER: a loader strategy of the ORM
 *
 * What a plugin is for.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_PLUGIN_DIALECT,
  CUPEL_PLUGIN_DRIVER,
  CUPEL_PLUGIN_POOL,
  CUPEL_PLUGIN_LOADER,
} CupelPluginKind;

/**
 * CupelPluginDescriptor: (skip)
 *
 * What a module exports. The file name decides: kind "dialect", name "sqlite" is `libcupel-dialect-sqlite.so`, and its
 * entry point is `cupel_plugin_dialect_sqlite_describe`. A `-` in a name is `_` in the symbol.
 * A module may serve more names: it lists them, and a symbolic link to the file stands for each.
 */
typedef struct
{
  guint32             size;          /* sizeof (CupelPluginDescriptor) of the headers it was built with */
  guint16             abi_major;
  guint16             abi_minor;
  CupelPluginKind     kind;
  const char         *name;
  const char *const  *other_names;   /* NULL, or NULL-terminated */
  const char         *version;
  guint64             capabilities;  /* of the kind's own meaning; 0 when found at run time */
  GType             (*get_type) (void);
  gpointer            _reserved[8];
} CupelPluginDescriptor;

#define CUPEL_MODULE_EXPORT __attribute__((visibility ("default")))

/**
 * CUPEL_PLUGIN_DEFINE: (skip)
 * @KIND: DIALECT, DRIVER, POOL or LOADER
 * @kind: the same in lower case
 * @symbol: the name as a C identifier
 * @names: (nullable): a static NULL-terminated array of further names
 *
 * Defines the entry point of a module.
 */
#define CUPEL_PLUGIN_DEFINE(KIND, kind_, symbol, name_, names_, version_, get_type_)                     \
  CUPEL_MODULE_EXPORT const CupelPluginDescriptor *cupel_plugin_##kind_##_##symbol##_describe (void);      \
  CUPEL_MODULE_EXPORT const CupelPluginDescriptor *                                                        \
  cupel_plugin_##kind_##_##symbol##_describe (void)                                                    \
  {                                                                                                    \
    static const CupelPluginDescriptor descriptor = {                                                  \
      .size = sizeof (CupelPluginDescriptor),                                                          \
      .abi_major = CUPEL_PLUGIN_ABI_MAJOR,                                                             \
      .abi_minor = CUPEL_PLUGIN_ABI_MINOR,                                                             \
      .kind = CUPEL_PLUGIN_##KIND,                                                                     \
      .name = name_,                                                                                   \
      .other_names = names_,                                                                           \
      .version = version_,                                                                             \
      .get_type = get_type_,                                                                           \
    };                                                                                                 \
    return &descriptor;                                                                                \
  }

CUPEL_AVAILABLE_IN_1_0
gboolean    cupel_plugin_register         (const CupelPluginDescriptor  *descriptor,
                                           GError                      **error);
CUPEL_AVAILABLE_IN_1_0
gboolean    cupel_plugin_register_type    (CupelPluginKind               kind,
                                           const char                   *name,
                                           GType                         type,
                                           GError                      **error);
CUPEL_AVAILABLE_IN_1_0
void        cupel_plugin_add_search_path  (const char                   *directory);
CUPEL_AVAILABLE_IN_1_0
GType       cupel_plugin_find             (CupelPluginKind               kind,
                                           const char                   *name,
                                           GType                         base_type,
                                           GError                      **error);

G_END_DECLS

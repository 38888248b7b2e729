/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-plugin.h"

G_BEGIN_DECLS

#define CUPEL_PLUGIN_NAME_MAX 32

const char *cupel_plugin_kind_to_string  (CupelPluginKind               kind);
/* Lower case, or NULL with CUPEL_ERROR_PLUGIN_NAME. */
char       *cupel_plugin_normalize_name  (CupelPluginKind               kind,
                                          const char                   *name,
                                          GError                      **error);
gboolean    cupel_plugin_descriptor_has  (const CupelPluginDescriptor  *descriptor,
                                          const char                   *name);
/* Size and versions; @origin is what messages call it. */
gboolean    cupel_plugin_descriptor_check (const CupelPluginDescriptor *descriptor,
                                          CupelPluginKind               kind,
                                          const char                   *origin,
                                          GError                      **error);
/* Opens the one file that serves @name, which is normalized, and checks what can be checked without its type.
 * @known are names registered in process, for the message when there is no file. */
const CupelPluginDescriptor *
            cupel_plugin_open            (CupelPluginKind               kind,
                                          const char                   *name,
                                          const char *const            *directories,
                                          const char                   *known,
                                          char                        **path,
                                          GError                      **error);

G_END_DECLS

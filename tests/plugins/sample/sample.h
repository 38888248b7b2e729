/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

#define SAMPLE_TYPE_DIALECT (sample_dialect_get_type ())
G_DECLARE_FINAL_TYPE (SampleDialect, sample_dialect, SAMPLE, DIALECT, CupelDialect)

#define SAMPLE_TYPE_COMPILER (sample_compiler_get_type ())
G_DECLARE_FINAL_TYPE (SampleCompiler, sample_compiler, SAMPLE, COMPILER, CupelCompiler)

#define SAMPLE_TYPE_DRIVER (sample_driver_get_type ())
G_DECLARE_FINAL_TYPE (SampleDriver, sample_driver, SAMPLE, DRIVER, CupelDriver)

#define SAMPLE_TYPE_CONNECTION (sample_connection_get_type ())
G_DECLARE_FINAL_TYPE (SampleConnection, sample_connection, SAMPLE, CONNECTION, CupelDriverConnection)

G_END_DECLS

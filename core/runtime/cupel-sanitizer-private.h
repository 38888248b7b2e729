/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* What has to be told that stacks are switched: AddressSanitizer, ThreadSanitizer, LeakSanitizer and valgrind. */

#if defined (__SANITIZE_ADDRESS__)
# define CUPEL_HAVE_ASAN 1
#elif defined (__has_feature)
# if __has_feature (address_sanitizer)
#  define CUPEL_HAVE_ASAN 1
# endif
#endif

#if defined (__SANITIZE_THREAD__)
# define CUPEL_HAVE_TSAN 1
#elif defined (__has_feature)
# if __has_feature (thread_sanitizer)
#  define CUPEL_HAVE_TSAN 1
# endif
#endif

#ifdef CUPEL_HAVE_ASAN
# include <sanitizer/asan_interface.h>
# include <sanitizer/common_interface_defs.h>
# include <sanitizer/lsan_interface.h>
# define CUPEL_NO_ASAN __attribute__((no_sanitize_address))
#else
# define CUPEL_NO_ASAN
#endif

/* Calls and returns are recorded for each fiber; in the functions that switch they would be put down to the wrong one. */
#ifdef CUPEL_HAVE_TSAN
# include <sanitizer/tsan_interface.h>
# ifdef __clang__
#  define CUPEL_NO_TSAN __attribute__((disable_sanitizer_instrumentation))
# else
#  define CUPEL_NO_TSAN __attribute__((no_sanitize_thread))
# endif
#else
# define CUPEL_NO_TSAN
#endif

#define CUPEL_NO_SANITIZER CUPEL_NO_ASAN CUPEL_NO_TSAN

#ifdef CUPEL_HAVE_VALGRIND
# include <valgrind/valgrind.h>
#endif

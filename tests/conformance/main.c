/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-conformance.h"

int
main (int    argc,
      char **argv)
{
  cupel_conformance_register_standard ();
  return cupel_conformance_main (argc, argv);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *zoo;

static GType
find (const char  *name,
      GError     **error)
{
  return cupel_plugin_find (CUPEL_PLUGIN_DRIVER, name, CUPEL_TYPE_DRIVER, error);
}

/* That @name fails with @code and that the message has every one of the pieces. */
static void
assert_fails (const char *name,
              CupelError  code,
              ...) G_GNUC_NULL_TERMINATED;

static void
assert_fails (const char *name,
              CupelError  code,
              ...)
{
  g_autoptr(GError) error = NULL;
  const char *piece;
  va_list args;

  g_assert_true (find (name, &error) == G_TYPE_INVALID);
  g_assert_error (error, CUPEL_ERROR, (int) code);
  g_test_message ("%s", error->message);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));

  va_start (args, code);
  while ((piece = va_arg (args, const char *)) != NULL)
    g_assert_nonnull (strstr (error->message, piece));
  va_end (args);
}

static gboolean
is_mapped (const char *file)
{
  g_autofree char *maps = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  return strstr (maps, file) != NULL;
}

static void
test_good (void)
{
  g_autoptr(GError) error = NULL;
  GType type = find ("zoo-good", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_type_name (type), ==, "CupelZoo_good");
  g_assert_true (find ("ZOO-Good", &error) == type);
  g_assert_no_error (error);

  /* A link under a name that the module lists. */
  g_assert_true (find ("zoo-alias", &error) == type);
  g_assert_no_error (error);

  /* Only what was asked for. */
  g_assert_true (is_mapped ("libcupel-driver-zoo-good.so"));
  g_assert_false (is_mapped ("libcupel-driver-zoo-shadowed.so"));
}

/* Each broken module: its name, the code, and what the message must have beside the path. */
typedef struct
{
  const char *name;
  CupelError  code;
  const char *file;
  const char *says;
} Broken;

static const Broken broken[] = {
  { "zoo-nosymbol", CUPEL_ERROR_PLUGIN_SYMBOL, "libcupel-driver-zoo-nosymbol.so", "cupel_plugin_driver_zoo_nosymbol_describe" },
  { "zoo-major", CUPEL_ERROR_PLUGIN_ABI, "libcupel-driver-zoo-major.so", "plugin ABI 2.0, and Cupel " CUPEL_VERSION_STRING " has 1.0" },
  { "zoo-minor", CUPEL_ERROR_PLUGIN_TOO_NEW, "libcupel-driver-zoo-minor.so", "plugin ABI 1.1, and Cupel " CUPEL_VERSION_STRING " has only 1.0" },
  { "zoo-short", CUPEL_ERROR_PLUGIN_TRUNCATED, "libcupel-driver-zoo-short.so", "bytes" },
  { "zoo-null", CUPEL_ERROR_PLUGIN_TRUNCATED, "libcupel-driver-zoo-null.so", "no descriptor" },
  { "zoo-misnamed", CUPEL_ERROR_PLUGIN_NAME, "libcupel-driver-zoo-misnamed.so", "\"zoo-other\"" },
  { "zoo-nameless", CUPEL_ERROR_PLUGIN_NAME, "libcupel-driver-zoo-nameless.so", "no name" },
  { "zoo-kind", CUPEL_ERROR_PLUGIN_TYPE, "libcupel-driver-zoo-kind.so", "not that of a driver" },
  { "zoo-type", CUPEL_ERROR_PLUGIN_TYPE, "libcupel-driver-zoo-type.so", "does not derive from CupelDriver" },
  { "zoo-abstract", CUPEL_ERROR_PLUGIN_TYPE, "libcupel-driver-zoo-abstract.so", "is abstract" },
  { "zoo-typeless", CUPEL_ERROR_PLUGIN_TYPE, "libcupel-driver-zoo-typeless.so", "gives no type" },
  { "zoo-unresolved", CUPEL_ERROR_PLUGIN_LOAD, "libcupel-driver-zoo-unresolved.so", "cupel_zoo_nobody_has_this" },
  { "zoo-empty", CUPEL_ERROR_PLUGIN_LOAD, "libcupel-driver-zoo-empty.so", "file too short" },
  { "zoo-stranger", CUPEL_ERROR_PLUGIN_NAME, "libcupel-driver-zoo-good.so", "does not serve this name" },
  { "zoo-oddly", CUPEL_ERROR_PLUGIN_NAME, "libcupel-test-zoo.so", "libcupel-driver-NAME.so" },
  { "zoo-dangling", CUPEL_ERROR_PLUGIN_LOAD, "libcupel-driver-zoo-dangling.so", "Cannot follow" },
};

static void
test_broken (gconstpointer data)
{
  const Broken *row = data;
  g_autofree char *path = g_build_filename (zoo, row->file, NULL);

  assert_fails (row->name, row->code, path, row->says, NULL);
  /* A failure is not remembered as anything but a failure. */
  assert_fails (row->name, row->code, path, row->says, NULL);
}

static void
test_names (void)
{
  static const char *const names[] = {
    "", "../x", "A B", "a/b", "x.so", "zoo good", "zö", "a\nb", "a%00", "\xff\xfe", "/etc/passwd",
    "0123456789012345678901234567890123456789", "abcdefghijklmnopqrstuvwxyz-123456",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    assert_fails (names[i], CUPEL_ERROR_PLUGIN_NAME, "1 to 32 letters", NULL);

  assert_fails ("abcdefghijklmnopqrstuvwxyz-12345", CUPEL_ERROR_PLUGIN_NOT_FOUND, NULL);
}

static void
test_not_found (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_plugin_register_type (CUPEL_PLUGIN_DRIVER, "zoo-inside", find ("zoo-good", NULL), &error));
  g_assert_no_error (error);
  assert_fails ("zoo-lost", CUPEL_ERROR_PLUGIN_NOT_FOUND, "driver \"zoo-lost\"", "libcupel-driver-zoo-lost.so", zoo, "zoo-good",
                "zoo-major", "zoo-inside", "CUPEL_PLUGIN_PATH", "Install the package", NULL);

  /* Another kind is another file. */
  g_assert_true (cupel_plugin_find (CUPEL_PLUGIN_POOL, "zoo-good", G_TYPE_OBJECT, &error) == G_TYPE_INVALID);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "libcupel-pool-zoo-good.so"));
}

static void
test_base_type (void)
{
  g_autoptr(GError) error = NULL;

  /* Found before for one base, it is still checked against another. */
  g_assert_true (find ("zoo-good", NULL) != G_TYPE_INVALID);
  g_assert_true (cupel_plugin_find (CUPEL_PLUGIN_DRIVER, "zoo-good", CUPEL_TYPE_DRIVER_CONNECTION, &error) == G_TYPE_INVALID);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TYPE);
  g_assert_nonnull (strstr (error->message, "libcupel-driver-zoo-good.so"));
}

static GType
shadow_get_type (void)
{
  return find ("zoo-good", NULL);
}

static void
test_in_process (void)
{
  static const char *const other_names[] = { "zoo-shadow2", NULL };
  static const CupelPluginDescriptor shadow = {
    .size = sizeof (CupelPluginDescriptor),
    .abi_major = CUPEL_PLUGIN_ABI_MAJOR,
    .abi_minor = CUPEL_PLUGIN_ABI_MINOR,
    .kind = CUPEL_PLUGIN_DRIVER,
    .name = "zoo-shadowed",
    .other_names = other_names,
    .get_type = shadow_get_type,
  };
  CupelPluginDescriptor bad;
  g_autoptr(GError) error = NULL;
  GType type;

  /* There is a file of this name, which is not even opened. */
  g_assert_true (cupel_plugin_register (&shadow, &error));
  g_assert_no_error (error);
  type = find ("zoo-shadowed", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_type_name (type), ==, "CupelZoo_good");
  g_assert_true (find ("Zoo-Shadow2", &error) == type);
  g_assert_false (is_mapped ("libcupel-driver-zoo-shadowed.so"));

  /* Again is nothing new; another type under the name is refused. */
  g_assert_true (cupel_plugin_register (&shadow, &error));
  g_assert_no_error (error);
  g_assert_false (cupel_plugin_register_type (CUPEL_PLUGIN_DRIVER, "zoo-SHADOW2", type, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NAME);
  g_clear_error (&error);

  /* What a file must be, a registered one must be too. */
  bad = shadow;
  bad.size -= 8;
  g_assert_false (cupel_plugin_register (&bad, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TRUNCATED);
  g_clear_error (&error);
  bad = shadow;
  bad.abi_major++;
  g_assert_false (cupel_plugin_register (&bad, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_ABI);
  g_clear_error (&error);
  bad = shadow;
  bad.abi_minor++;
  g_assert_false (cupel_plugin_register (&bad, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TOO_NEW);
  g_clear_error (&error);
  bad = shadow;
  bad.name = "../x";
  g_assert_false (cupel_plugin_register (&bad, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NAME);
  g_clear_error (&error);

  /* A type of the wrong kind is told when it is asked for. */
  g_assert_true (cupel_plugin_register_type (CUPEL_PLUGIN_DRIVER, "zoo-registered-wrong", G_TYPE_CANCELLABLE, &error));
  g_assert_no_error (error);
  assert_fails ("zoo-registered-wrong", CUPEL_ERROR_PLUGIN_TYPE, "GCancellable", "the program itself", NULL);
}

typedef struct
{
  gint  *ready;
  GType  type;
} Racer;

static gpointer
race (gpointer data)
{
  Racer *racer = data;

  g_atomic_int_inc (racer->ready);
  while (g_atomic_int_get (racer->ready) < 8)
    ;
  racer->type = find ("zoo-threads", NULL);
  return NULL;
}

static void
test_threads (void)
{
  GThread *threads[8];
  Racer racers[8];
  gint ready = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      racers[i].ready = &ready;
      threads[i] = g_thread_new ("racer", race, &racers[i]);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  g_assert_cmpstr (g_type_name (racers[0].type), ==, "CupelZoo_threads");
  for (gsize i = 1; i < G_N_ELEMENTS (racers); i++)
    g_assert_true (racers[i].type == racers[0].type);
}

static char *
zoo_file (const char *first,
          ...) G_GNUC_NULL_TERMINATED;

static char *
zoo_file (const char *first,
          ...)
{
  g_autofree char *rest = NULL;
  va_list args;

  va_start (args, first);
  rest = g_build_filename_valist (first, &args);
  va_end (args);
  return g_build_filename (zoo, rest, NULL);
}

/* Each runs in a process of its own: what was found stays. */
static void
in_subprocess (const char *path)
{
  g_test_trap_subprocess (path, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
assert_order (const char *type_name)
{
  g_autoptr(GError) error = NULL;
  GType type = find ("zoo-order", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_type_name (type), ==, type_name);
}

static void
test_path_order (void)
{
  g_autofree char *first = zoo_file ("first", NULL);
  g_autofree char *second = zoo_file ("second", NULL);
  g_autofree char *path = NULL;

  if (!g_test_subprocess ())
    {
      in_subprocess ("/plugin/path-order");
      return;
    }

  path = g_strjoin (":", "relative", "", second, first, zoo, NULL);
  g_setenv ("CUPEL_PLUGIN_PATH", path, TRUE);
  assert_order ("CupelZoo_second");
}

static void
test_added_path (void)
{
  g_autofree char *first = zoo_file ("first", NULL);
  g_autofree char *second = zoo_file ("second", NULL);

  if (!g_test_subprocess ())
    {
      in_subprocess ("/plugin/added-path");
      return;
    }

  g_setenv ("CUPEL_PLUGIN_PATH", second, TRUE);
  cupel_plugin_add_search_path ("/nonexistent");
  cupel_plugin_add_search_path (first);
  cupel_plugin_add_search_path (second);
  assert_order ("CupelZoo_first");
  assert_fails ("zoo-lost", CUPEL_ERROR_PLUGIN_NOT_FOUND, "/nonexistent (cannot be read)", first, second, NULL);
}

static void
test_relative_path (void)
{
  if (!g_test_subprocess ())
    {
      in_subprocess ("/plugin/relative-path");
      return;
    }

  g_assert_cmpint (g_chdir (zoo), ==, 0);
  g_setenv ("CUPEL_PLUGIN_PATH", ".:./first:first::", TRUE);
  g_setenv ("LD_LIBRARY_PATH", zoo, TRUE);
  assert_fails ("zoo-order", CUPEL_ERROR_PLUGIN_NOT_FOUND, NULL);
  assert_fails ("zoo-good", CUPEL_ERROR_PLUGIN_NOT_FOUND, NULL);
}

static void
copy_file (const char *from,
           const char *to)
{
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (from, &contents, &length, NULL));
  g_assert_true (g_file_set_contents (to, contents, length, NULL));
}

static void
test_trust (void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *from = zoo_file ("libcupel-driver-zoo-good.so", NULL);
  g_autofree char *to = NULL;
  g_autofree char *sub = NULL;

  if (!g_test_subprocess ())
    {
      in_subprocess ("/plugin/trust");
      return;
    }

  directory = g_dir_make_tmp ("cupel-plugin-XXXXXX", &error);
  g_assert_no_error (error);
  to = g_build_filename (directory, "libcupel-driver-zoo-good.so", NULL);
  sub = g_build_filename (directory, "libcupel-driver-zoo-folder.so", NULL);
  copy_file (from, to);
  g_setenv ("CUPEL_PLUGIN_PATH", directory, TRUE);

  g_assert_cmpint (g_chmod (to, 0644), ==, 0);
  g_assert_cmpint (g_chmod (directory, 0777), ==, 0);
  assert_fails ("zoo-good", CUPEL_ERROR_PLUGIN_UNTRUSTED, directory, "everybody", NULL);
  g_assert_cmpint (g_chmod (directory, 0755), ==, 0);
  g_assert_cmpint (g_chmod (to, 0646), ==, 0);
  assert_fails ("zoo-good", CUPEL_ERROR_PLUGIN_UNTRUSTED, to, "everybody", NULL);

  g_assert_cmpint (g_mkdir (sub, 0755), ==, 0);
  assert_fails ("zoo-folder", CUPEL_ERROR_PLUGIN_UNTRUSTED, sub, "not a regular file", NULL);

  if (geteuid () == 0)
    {
      g_assert_cmpint (g_chmod (to, 0644), ==, 0);
      g_assert_cmpint (chown (to, 12345, 0), ==, 0);
      assert_fails ("zoo-good", CUPEL_ERROR_PLUGIN_UNTRUSTED, to, "another user", NULL);
      g_assert_cmpint (chown (to, 0, 0), ==, 0);
      g_assert_cmpint (chown (directory, 12345, 0), ==, 0);
      assert_fails ("zoo-good", CUPEL_ERROR_PLUGIN_UNTRUSTED, directory, "another user", NULL);
      g_assert_cmpint (chown (directory, 0, 0), ==, 0);
    }
  g_assert_false (is_mapped (to));

  /* What a build tree is like under umask 002. */
  g_assert_cmpint (g_chmod (directory, 0775), ==, 0);
  g_assert_cmpint (g_chmod (to, 0775), ==, 0);
  g_assert_cmpstr (g_type_name (find ("zoo-good", &error)), ==, "CupelZoo_good");
  g_assert_no_error (error);

  g_remove (to);
  g_rmdir (sub);
  g_rmdir (directory);
}

static void
test_secure (void)
{
  const char *helper = g_getenv ("CUPEL_TEST_SECURE_HELPER");
  g_autoptr(GError) error = NULL;
  g_autofree char *directory = NULL;
  g_autofree char *copy = NULL;
  g_autofree char *plain = NULL;
  g_autofree char *secure = NULL;
  char *argv[] = { NULL, NULL };

  if (geteuid () != 0)
    {
      g_test_skip ("only root can make a program that belongs to another user");
      return;
    }

  directory = g_dir_make_tmp ("cupel-plugin-XXXXXX", &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (directory, 0755), ==, 0);
  copy = g_build_filename (directory, "helper", NULL);
  copy_file (helper, copy);
  argv[0] = copy;

  g_assert_cmpint (g_chmod (copy, 0755), ==, 0);
  g_assert_true (g_spawn_sync (NULL, argv, NULL, 0, NULL, NULL, &plain, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (plain, "secure 0, found 1, "));

  g_assert_cmpint (chown (copy, 65534, 65534), ==, 0);
  g_assert_cmpint (g_chmod (copy, 04755), ==, 0);
  g_assert_true (g_spawn_sync (NULL, argv, NULL, 0, NULL, NULL, &secure, NULL, NULL, &error));
  g_assert_no_error (error);
  if (g_str_has_prefix (secure, "secure 0"))
    g_test_skip ("set-user-ID means nothing on the file system of temporary files");
  else
    {
      g_autofree char *start = g_strdup_printf ("secure 1, found 0, code %d: ", CUPEL_ERROR_PLUGIN_NOT_FOUND);

      g_assert_true (g_str_has_prefix (secure, start));
      g_assert_null (strstr (secure, zoo));
      g_assert_nonnull (strstr (secure, "is ignored"));
    }

  g_remove (copy);
  g_rmdir (directory);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  zoo = g_getenv ("CUPEL_TEST_ZOO");
  g_assert_nonnull (zoo);
  g_setenv ("CUPEL_PLUGIN_PATH", zoo, TRUE);

  g_test_add_func ("/plugin/good", test_good);
  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *path = g_strconcat ("/plugin/broken/", broken[i].name, NULL);

      g_test_add_data_func (path, &broken[i], test_broken);
    }
  g_test_add_func ("/plugin/names", test_names);
  g_test_add_func ("/plugin/not-found", test_not_found);
  g_test_add_func ("/plugin/base-type", test_base_type);
  g_test_add_func ("/plugin/in-process", test_in_process);
  g_test_add_func ("/plugin/threads", test_threads);
  g_test_add_func ("/plugin/path-order", test_path_order);
  g_test_add_func ("/plugin/added-path", test_added_path);
  g_test_add_func ("/plugin/relative-path", test_relative_path);
  g_test_add_func ("/plugin/trust", test_trust);
  g_test_add_func ("/plugin/secure", test_secure);

  return g_test_run ();
}

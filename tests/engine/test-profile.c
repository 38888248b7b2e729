/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The marks for Sysprof. The test is the profiler: it answers the request for a buffer, and reads the frames that come. */

#include <string.h>
#include <sys/socket.h>

#include <cupel.h>
#include <gio/gunixfdmessage.h>
#include <glib-unix.h>
#include <sysprof-capture.h>

/* The reader's side of the buffer that is shared with the profiler. The library has these, and no header for them. */
typedef struct _MappedRingBuffer MappedRingBuffer;
MappedRingBuffer *mapped_ring_buffer_new_reader (size_t size);
int               mapped_ring_buffer_get_fd     (MappedRingBuffer *self);
void              mapped_ring_buffer_unref      (MappedRingBuffer *self);
bool              mapped_ring_buffer_drain      (MappedRingBuffer  *self,
                                                 bool             (*callback) (const void *data, size_t *length, void *user_data),
                                                 void              *user_data);

typedef struct
{
  GSocket    *socket;
  GPtrArray  *rings;          /* with the lock of nobody: read when the thread is joined */
} Profiler;

/* Sysprof's own library does not free the reader of its ring buffer. */
const char *__lsan_default_suppressions (void);

const char *
__lsan_default_suppressions (void)
{
  return "leak:mapped_ring_buffer_new_reader";
}

static gpointer
profiler_thread (gpointer data)
{
  Profiler *profiler = data;
  char request[64];

  /* One request for each thread that marks something; the end of the stream ends this. */
  while (g_socket_receive (profiler->socket, request, sizeof request, NULL, NULL) > 0)
    {
      MappedRingBuffer *ring = mapped_ring_buffer_new_reader (0);
      g_autoptr(GSocketControlMessage) message = g_unix_fd_message_new ();
      GOutputVector vector = { "", 1 };
      GError *error = NULL;

      g_assert_true (g_unix_fd_message_append_fd (G_UNIX_FD_MESSAGE (message), mapped_ring_buffer_get_fd (ring), &error));
      g_socket_send_message (profiler->socket, NULL, &vector, 1, &message, 1, G_SOCKET_MSG_NONE, NULL, &error);
      g_assert_no_error (error);
      g_ptr_array_add (profiler->rings, ring);
    }
  return NULL;
}

static bool
note_frame (const void *data,
            size_t     *length,
            void       *marks)
{
  const SysprofCaptureFrame *frame = data;

  if (frame->type == SYSPROF_CAPTURE_FRAME_MARK)
    {
      const SysprofCaptureMark *mark = data;

      if (g_str_equal (mark->group, "Cupel"))
        {
          g_assert_cmpint (mark->duration, >=, 0);
          g_ptr_array_add (marks, g_strdup_printf ("%s: %s", mark->name, mark->message));
        }
    }
  *length = frame->len;
  return true;
}

static gboolean
has_mark (GPtrArray  *marks,
          const char *begin,
          const char *part)
{
  for (guint i = 0; i < marks->len; i++)
    if (g_str_has_prefix (g_ptr_array_index (marks, i), begin) && strstr (g_ptr_array_index (marks, i), part) != NULL)
      return TRUE;
  return FALSE;
}

static gboolean
work (gpointer       data,
      GCancellable  *cancellable,
      GError       **error)
{
  g_autoptr(CupelEngine) engine = cupel_engine_new ("sqlite://", error);
  g_autoptr(CupelText) text = cupel_text_new ("SELECT 17");
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;

  return engine != NULL && (connection = cupel_engine_connect (engine, NULL, error)) != NULL &&
         (result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error)) != NULL &&
         cupel_connection_close (connection, NULL, error) && cupel_engine_dispose (engine, NULL, error);
}

static void
test_marks (void)
{
  Profiler profiler = { NULL, g_ptr_array_new_with_free_func ((GDestroyNotify) mapped_ring_buffer_unref) };
  g_autoptr(GPtrArray) marks = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *number = NULL;
  GError *error = NULL;
  GThread *thread;
  int ends[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  profiler.socket = g_socket_new_from_fd (ends[0], &error);
  g_assert_no_error (error);
  number = g_strdup_printf ("%d", ends[1]);
  g_setenv ("SYSPROF_CONTROL_FD", number, TRUE);
  thread = g_thread_new ("profiler", profiler_thread, &profiler);

  cupel_run (work, NULL, NULL, &error);
  g_assert_no_error (error);

  shutdown (ends[1], SHUT_RDWR);
  g_thread_join (thread);
  g_assert_cmpuint (profiler.rings->len, >, 0);
  for (guint i = 0; i < profiler.rings->len; i++)
    mapped_ring_buffer_drain (g_ptr_array_index (profiler.rings, i), note_frame, marks);
  for (guint i = 0; i < marks->len; i++)
    g_test_message ("%s", (char *) g_ptr_array_index (marks, i));
  g_assert_true (has_mark (marks, "connect: ", ""));
  g_assert_true (has_mark (marks, "checkout wait: ", ""));
  g_assert_true (has_mark (marks, "execute: ", "SELECT 17"));

  g_ptr_array_unref (profiler.rings);
  g_object_unref (profiler.socket);
  close (ends[1]);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/profile/marks", test_marks);
  return g_test_run ();
}

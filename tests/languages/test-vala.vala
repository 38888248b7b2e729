// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The calls of a program in Vala, on SQLite in memory: that the vapi compiles, and that yield works.

class Note : Cupel.Entity {
  public int64 id { get; set; }
  public string? text { get; set; }
}

async void check () throws Error {
  var mapper = new Cupel.Mapper (typeof (Note), "note");
  mapper.add_column ("id", new Cupel.SqlType (Cupel.SqlKind.INT64)).set_primary_key (true);
  mapper.add_column ("text", new Cupel.SqlType.sized (Cupel.SqlKind.STRING, 50));
  mapper.register ();

  var engine = new Cupel.Engine ("sqlite://");
  var metadata = Cupel.Entity.metadatav ({ typeof (Note) });
  yield engine.create_all_async (metadata, null);

  var session = new Cupel.Session (engine);
  var note = new Note ();
  note.text = "hello";
  session.add (note);
  yield session.commit_async (null);
  assert (note.id == 1);
  note.text = "good bye";
  yield session.commit_async (null);
  yield session.close_async (null);

  session = new Cupel.Session (engine);
  var result = yield session.scalars_async (Cupel.Entity.select (typeof (Note)), null);
  var read = (Note) result.one ();
  assert (read != note && read.text == "good bye");
  yield session.close_async (null);
  yield engine.dispose_async (null);
}

void test_session () {
  var loop = new MainLoop ();
  check.begin ((source, result) => {
    try {
      check.end (result);
    } catch (Error error) {
      GLib.error ("%s", error.message);
    }
    loop.quit ();
  });
  loop.run ();
}

int main (string[] args) {
  Test.init (ref args);
  Test.add_func ("/languages/vala/session", test_session);
  return Test.run ();
}

"""A database that cannot be written: the daemon serves, but starts no run, and says why."""
import os
import unittest

import ald


class Unwritable(ald.Test):
    def refuses_runs(self, db):
        self.start_sim("--ready")
        self.start_daemon(db=db)
        status = self.client().call("status")
        self.assertFalse(status["store_ok"])
        done = self.ctl("run", self.path("quick.yaml", ald.QUICK.format(body=ald.ONE_PULSE)))
        said = done.stdout + done.stderr
        self.assertEqual(3, done.returncode, said)
        self.assertRegex(said, "(?i)database|record")
        self.assertEqual(0, self.wire.coil(ald.VALVES, ald.NB))
        return said

    def test_a_folder_in_its_place(self):
        os.mkdir(self.path("folder"))
        self.refuses_runs(self.path("folder"))

    def test_no_folder_to_put_it_in(self):
        self.path("file", "not a folder")
        self.refuses_runs(self.path("file/ald.db"))

    def test_a_file_that_is_no_database(self):
        db = self.path("text.db", "This is not a database. " * 400)
        self.refuses_runs(db)
        with open(db, encoding="utf-8") as f:
            self.assertTrue(f.read().startswith("This is not"), "a foreign file must be left as it was")

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_no_permission(self):
        folder = self.path("closed")
        os.mkdir(folder, 0o500)
        self.refuses_runs(os.path.join(folder, "ald.db"))

    def test_dev_full(self):
        """Every write fails for want of space."""
        self.refuses_runs("/dev/full")


if __name__ == "__main__":
    unittest.main()

"""A database that cannot be written: the daemon serves, but starts no run, and says why. A run that is not in it."""
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


class NoSuchRun(ald.Test):
    def test_each_command_says_the_same(self):
        self.start_all(proxies=False)
        self.stop_daemon()
        recipe = self.path("quick.yaml", ald.QUICK.format(body=ald.ONE_PULSE))
        for args in (["report", "9"], ["report", "9", "--json"], ["report", "9", "-o", "x.html"], ["export", "9"],
                     ["export", "9", "--format", "json"], ["archive", "9", "-o", "x.tar.xz"], ["latency", "9"], ["pulses", "9"],
                     ["replay", "9"], ["diff", recipe, "9"], ["trend", "chamber.pressure", "--run", "9"]):
            done = self.ctl(*args)
            self.assertEqual((1, "", "error: there is no run 9; `aldctl runs` lists them\n"),
                             (done.returncode, done.stdout, done.stderr), args)
            self.assertFalse(os.path.exists(self.path("x.html")) or os.path.exists(self.path("x.tar.xz")), args)
        for args in (["latency", "x"], ["pulses", "x"], ["replay", "0"], ["export", "-1"]):
            self.assertEqual(2, self.ctl(*args).returncode, args)


if __name__ == "__main__":
    unittest.main()

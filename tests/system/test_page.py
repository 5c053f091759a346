"""The page in a real browser, before the real daemon: every state shows, what is not live does not look live, and people
who use the keyboard, a phone or a screen reader are served as well."""
import os
import shutil
import signal
import unittest

import ald
import browser
import web

AXE = os.path.join(ald.BUILD, "npm", "node_modules", "axe-core", "axe.min.js")
# A trip and a flood of alarms at a command's word: this flow set-point is within its limits, and nothing real reacts to it.
TOO_MUCH = "carrier.flow.setpoint > 150 sccm"
FLOOD = 14
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# A question, a pulse that can be looked at, and a wait that the test ends.
BODY = """    - confirm: Is the powder in?
      timeout: 10 min
    - repeat: $cycles
      do:
        - pulse: nb
          for: $nb_pulse
        - purge: $purge
        - wait: {until: chamber.temperature < 65 degC, timeout: 4 h}
"""
# The next two answers about the runs are from before the last one's end was on disk.
RECORD_IS_LATE = """
    const ask = window.fetch;
    window.lateAnswers = 2;
    window.fetch = async (path, ...rest) => {
        const answer = await ask(path, ...rest);
        if (!path.startsWith("/api/runs") || window.lateAnswers === 0)
            return answer;
        window.lateAnswers--;
        const body = await answer.json();
        Object.assign(body.runs[0], {state: "Execute", ended: null, reason: null});
        return new Response(JSON.stringify(body));
    };
"""


def tool_text():
    with open(ald.TOOL, encoding="utf-8") as f:
        text = f.read()
    alarms = "".join(f"  - id: burst-{i}\n    when: {TOO_MUCH}\n    priority: {'high' if i < 3 else 'low'}\n"
                     f"    guidance: Nothing to do about number {i}.\n" for i in range(FLOOD))
    trips = (f"  - id: too-much-gas\n    trip: {TOO_MUCH}\n    then: abort\n    guidance: Set less gas.\n"
             f"  - id: too-much-too\n    trip: {TOO_MUCH}\n    for: 200 ms\n    then: abort\n")
    return text.replace("\ninterlocks:\n", "\ninterlocks:\n" + trips, 1).replace("\nalarms:\n", "\nalarms:\n" + alarms, 1)


class Seen(web.Test):
    def open_page(self):
        self.start_web()
        self.browser = browser.Browser()
        self.closers.append(self.browser.close)
        self.browser.size(1280, 800)
        self.browser.go("http://%s:%d/" % self.address)
        self.browser.await_text("#link", "live")
        self.browser.await_that("!document.body.classList.contains('stale')", "live")

    def is_cell(self, row, column, part):
        """Does the table of values say so? In the page's own words."""
        return (f"[...document.querySelectorAll('#values-body tr')].some((row) => row.children[0].innerText === '{row}' && "
                f"row.children[{column}].innerText.includes('{part}'))")


@unittest.skipUnless(shutil.which("chromedriver"), "chromedriver is not installed (tests/install-deps.sh test)")
class Told(Seen):
    """A daemon that says what the test wants."""

    def start_page(self, tags=None, equipment=None, **status):
        self.fake = web.Daemon(self.socket_path)
        self.closers.append(lambda: self.fake.close())
        self.fake.tags = tags or {}
        self.fake.tool = {"tool": "test", "title": "Test", "equipment": equipment or []}
        self.fake.status.update(dict({"run": None, "in_run": False}, **status))
        self.open_page()

    def complaints(self):
        """But for those about the record: there is none here."""
        return [one for one in self.browser.complaints() if "503" not in one]

    def test_lists_do_not_grow(self):
        """Of items with one key each has its node, in order, and the same at the next paint."""
        waits = "nb purged for 1 min of 5 min; nb purged for 2 min of 5 min; chamber.temperature: 90 degC, < 60 degC wanted"
        self.start_page(open_in_s=60, open_waits=waits)
        page = self.browser
        self.assertEqual(["a1 b2 a3 a4", "a5 a6 b7", "b8", ""], page.run("""
                const {keep, make} = await import("/dom.js"), parent = make("ul");
                let kept = true;
                const draw = (items) => {
                        const before = new Map([...parent.children].map((node) => [node.dataset.key, node]));
                        keep(parent, items, (item) => item[0], () => make("li"), (node, item) => (node.textContent = item));
                        kept &&= [...parent.children].every((node) => (before.get(node.dataset.key) ?? node) === node);
                        return [...parent.children].map((node) => node.textContent).join(" ") + (kept ? "" : " anew");
                };
                parent.append(make("li", {}, "stray"), make("li", {}, "stray"));
                return [draw(["a1", "b2", "a3", "a4"]), draw(["a5", "a6", "b7"]), draw(["b8"]), draw([])];"""))
        page.run("document.querySelector('#before-open').open = true")
        page.await_text("#before-open", "wanted")
        for minutes in (3, 4):
            self.fake.update(open_waits=waits.replace("1 min", f"{minutes} min"))
            page.await_text("#before-open", f"{minutes} min")
        self.assertEqual(3, page.run("return document.querySelectorAll('#before-open li').length"))

    def test_a_recipe_that_did_not_come_is_asked_for_again(self):
        """The first answer fails: the next is shown, without another run or another page."""
        self.start_page()
        page = self.browser
        page.run("""
                const real = window.fetch, run = {id: 1, recipe: "quick", state: "Execute", recipe_text: "recipe: quick\\nsteps: []\\n"};
                window.asked = 0;
                window.fetch = (path, how) => !path.endsWith("/api/run/1") ? real(path, how) :
                        Promise.resolve(new Response(JSON.stringify(++window.asked < 3 ? {error: {text: "not yet"}} : run)));""")
        self.fake.update(run=1, in_run=True, recipe="quick", state="Execute", source_line=2)
        page.await_text("#recipe-note", "not yet")
        page.await_text("#recipe-text", "recipe: quick")
        page.await_text("#recipe-text li[aria-current]", "steps: []")
        self.assertEqual(3, page.run("return window.asked"))
        self.assertEqual([], self.complaints())

    def test_a_history_that_did_not_come_is_asked_for_again(self):
        """Though the tool stands idle, and nothing that is told says that there is more to see."""
        self.start_page()
        page = self.browser
        page.await_text("#runs-note", "--db")
        page.run("""
                const run = {id: 7, recipe: "quick", state: "Complete", started: "2026-11-22T10:00:00Z", ended: "2026-11-22T10:20:00Z"};
                const real = window.fetch;
                window.fetch = (path, how) => !path.startsWith("/api/runs") ? real(path, how) :
                        Promise.resolve(new Response(JSON.stringify({runs: [run]})));""")
        page.await_text("#runs-body", "Complete")
        self.assertEqual("", page.text("#runs-note").strip())
        self.assertEqual([], self.complaints())

    def test_an_overlay_that_did_not_come_is_asked_for_again(self):
        """Though the run does not go on meanwhile; and what comes late of another run is not shown as of this one."""
        self.start_page(equipment=[{"kind": "precursor", "name": "nb"}])
        page = self.browser
        page.run("""
                const real = window.fetch, of = (cycle) => new Response(JSON.stringify({unit: "Torr", pulses:
                        [{cycle, width_s: 1, points: [[0, 1], [1, 2]]}]}));
                window.asked = 0;
                window.fetch = (path, how) => {
                        if (path.includes("/api/overlay?run=1&"))
                                return new Promise((done) => (window.late = () => done(of(11))));
                        if (!path.includes("/api/overlay?run=2&"))
                                return real(path, how);
                        return Promise.resolve(++window.asked < 2 ? new Response('{"error": {"text": "not yet"}}') : of(22));
                };""")
        self.fake.update(run=1, in_run=True, recipe="quick", state="Held")
        page.await_that("window.late", "a question about run 1")
        self.fake.update(run=2)
        page.await_text("#overlay-note", "not yet")
        page.await_text("#overlay-chart", "cycle 22")
        page.run("window.late()")
        self.assertNotIn("cycle 11", page.run("await new Promise((done) => setTimeout(done)); return "
                                              "document.querySelector('#overlay-chart').innerText"))
        self.assertEqual(2, page.run("return window.asked"))
        self.assertEqual([], self.complaints())

    def test_a_window_is_known_before_it_is_asked_for(self):
        """While the ends of a run are still asked for, the window is what it was; a later choice wins; no run is said."""
        self.start_page()
        self.assertEqual([], self.browser.run("""
                const trend = await import("/trend.js"), {model} = await import("/live.js"), wrong = [];
                let release, released = new Promise((done) => (release = done));
                window.fetch = async (path) => {
                        if (/from=-/.test(path))
                                wrong.push(path);
                        if (path.startsWith("/api/run/1"))
                                await released;
                        return new Response(JSON.stringify({started: "2026-11-22T10:00:00Z", ended: "2026-11-22T10:20:00Z",
                                points: [], pulses: []}));
                };
                await trend.setWindow("run");
                if (trend.view.note !== "no run yet" || trend.view.kind === "run")
                        wrong.push(`without a run: ${JSON.stringify(trend.view)}`);
                await trend.setTags(["x"]);
                model.status.run = 1;
                const asked = trend.setWindow("run");
                trend.load();
                const later = trend.setWindow("3600");
                release();
                await Promise.all([asked, later]);
                if (trend.view.kind !== "3600" || trend.view.span !== 3600e3)
                        wrong.push(`the earlier choice won: ${JSON.stringify(trend.view)}`);
                await trend.setWindow("run");
                if (trend.view.kind !== "run" || trend.view.follows || trend.view.span !== 1200e3)
                        wrong.push(`not the run: ${JSON.stringify(trend.view)}`);
                return wrong;"""))

    def test_live_points_have_an_end(self):
        """Hours of live points, in a window that follows, one that stands, and of a tag that is Bad."""
        self.start_page()
        self.assertEqual([], self.browser.run("""
                const trend = await import("/trend.js"), {model} = await import("/live.js"), wrong = [];
                const start = 1e12, step = 500, inView = 600;
                window.fetch = () => Promise.resolve(new Response(JSON.stringify({points:
                        [...Array(inView)].map((_, i) => [start - (inView - i) * step, 1, 1, 1])})));
                for (const follows of [true, false])
                        for (const quality of ["Good", "Bad"]) {
                                Object.assign(trend.view, {kind: "300", span: inView * step, from: start - inView * step, to: start,
                                        follows});
                                Object.assign(model, {isLive: true, heard: Date.now(), time: start});
                                await trend.setTags([]);
                                await trend.setTags(["x"]);
                                model.tags.x = {kind: "number", unit: "", value: 2, quality};
                                for (let n = 0; n < 50000; n++) {
                                        model.time += step;
                                        trend.carryOn();
                                }
                                const rows = trend.rows(["x"], false), last = rows[rows.length - 1][0].getTime();
                                const seen = rows.filter(([t]) => t <= start).length;
                                if (rows.length > 10000)
                                        wrong.push(`${rows.length} points, follows ${follows}, ${quality}`);
                                if (last < model.time - 1000 * step)
                                        wrong.push(`nothing new, follows ${follows}, ${quality}`);
                                if (!follows && seen < inView)
                                        wrong.push(`only ${seen} left of what is looked at, ${quality}`);
                        }
                return wrong;"""))

    def test_after_a_sleep_nothing_is_live(self):
        """The clock has gone on, aldweb has not: lost before anything is painted, whatever was told before the sleep."""
        self.start_page()
        page, child = self.browser, self.web.child
        child.send_signal(signal.SIGSTOP)
        try:
            self.assertEqual([True, False], page.run("""
                const {model} = await import("/live.js"), before = model.isLive, now = Date.now;
                Date.now = () => now() + 600e3;
                document.dispatchEvent(new Event("visibilitychange"));
                return [before, model.isLive];"""))
            page.await_text("#link", "not live")
            page.await_text("#banner", "10 min")
        finally:
            child.send_signal(signal.SIGCONT)
        page.await_that("document.querySelector('#banner').hidden && !document.body.classList.contains('stale')", "live again")
        # What is told with its age is as old as that.
        self.assertTrue(page.run("""
                const {age, model} = await import("/live.js"), told = new MessageEvent("full", {data: JSON.stringify({
                        hello: {}, status: model.status, tags: {}, time: "", heard_s: 7})});
                return new Promise((done) => {
                        const real = window.EventSource;
                        window.EventSource = class extends real {
                                constructor(path) {
                                        super(path);
                                        setTimeout(() => (this.dispatchEvent(told), done(model.isLive && age() >= 7 && age() < 10)));
                                }
                        };
                        model.heard = 0;
                        document.dispatchEvent(new Event("visibilitychange"));
                });"""))

    def test_a_quiet_tool_stays_live(self):
        """Nothing moves for longer than the page waits for a word; the daemon's clock goes on evenly."""
        self.start_page()
        self.assertEqual([False, True], self.browser.run("""
                const {daemonNow, listen, model} = await import("/live.js"), real = Date.now, offset = daemonNow() - real();
                let jumped = 0, isLost = false, beats = 0, isEven = true;
                Date.now = () => real() + jumped;
                return new Promise((done) => listen((kind) => {
                        isLost ||= kind === "lost" || kind === "full";
                        if (kind !== "beat")
                                return;
                        isEven &&= Math.abs(daemonNow() - Date.now() - offset) < 5;
                        jumped += 4000;
                        if (++beats === 4)
                                done([isLost, isEven]);
                }));"""))

    def test_what_nobody_knows_is_unknown(self):
        """A contact that cannot be read is not said to be closed, released, or not to have acted."""
        tags = {name: {"kind": "switch", "unit": "", "value": 1, "quality": "Good"}
                for name in ("lid", "emo", "hot", "pump.run", "pump.running")}
        self.start_page(tags, [{"name": "safety", "kind": "inputs", "lid": "lid", "emo": "emo", "over_temperature": "hot"},
                               {"name": "pump", "kind": "pump", "run": "pump.run", "running": "pump.running"}])
        page = self.browser
        words = {"lid": "closed", "emergency stop": "released", "over-temperature cut-out": "ACTED", "pump": "running"}
        for what, word in words.items():
            page.await_that(self.is_cell(what, 1, word), word)
        page.await_text("#schematic", "lid closed")
        for change in ({"value": None, "quality": "Bad"}, {"value": 0, "quality": "Bad"}, {"value": None, "quality": "Good"}):
            self.fake.update({name: {"value": 0, "quality": "Good"} for name in tags})
            page.await_that(self.is_cell("over-temperature cut-out", 1, "not acted"), "all at 0")
            self.fake.update({name: change for name in tags})
            for what in words:
                page.await_that(self.is_cell(what, 1, "unknown"), f"{what} unknown with {change}")
            page.await_text("#schematic", "lid unknown")
        self.assertEqual([], self.complaints())


@unittest.skipUnless(shutil.which("chromedriver"), "chromedriver is not installed (tests/install-deps.sh test)")
class Page(Seen):
    def start_page(self, *sim_args, tool=ald.TOOL):
        self.tool = tool
        self.start_sim("--ready", *sim_args, tool=tool)
        self.start_daemon(tool=tool)
        self.open_page()

    def start_run(self, *args):
        self.run_recipe(*args, body=BODY)

    def set_too_much(self):
        self.assertEqual(0, self.ctl("control", "take").returncode)
        done = self.ctl("set", "carrier.flow", "160 sccm")
        self.assertEqual(0, done.returncode, done.stderr)

    def test_a_run_is_seen(self):
        """Idle, a pulse, a wait, held, resumed, aborted: state, schematic, table, recipe and pulses."""
        self.start_page()
        page = self.browser
        page.await_text("#state-word", "Stopped")
        self.assertEqual("None.", page.text("#alarm-sum"))
        page.await_that(self.is_cell("nb valve", 1, "closed"), "the valve closed in the table")
        page.run("document.querySelectorAll('#values-body tr, #values-body td, .valve').forEach((node) => node.isKept = true)")
        self.start_run("--set", "cycles=2", "--set", "nb_pulse=3 s")
        page.await_text("#asks .question", "Is the powder in?")
        page.await_text("#asks", "aldctl confirm")
        self.assertIn("Is the powder in?", page.text("#say"))
        page.await_text("#recipe-text", "pulse: nb")  # it may be read a while after the run began
        self.assertEqual(0, self.ctl("confirm").returncode)
        # Looked for in one go: the pulse would be over before the last of several questions came to this page.
        page.await_that("document.querySelector('.valve[data-position=open] .word') && [...document.querySelectorAll('.valve')]"
                        ".filter((valve) => valve.dataset.position === 'open').length === 2 && " + self.is_cell("nb valve", 1, "open") +
                        " && document.querySelector('#recipe-text li[aria-current]')?.innerText.includes('pulse: nb')",
                        "a second valve open in the schematic, open in the table, and the pulse's line marked")
        page.await_text("#fact-cycle dd", "1 of 2")
        page.await_text("#waiting", "Waiting for chamber.temperature")
        page.await_text("#recipe-text li[aria-current]", "until: chamber.temperature < 65")
        self.assertIn("Execute", page.text("#say"))
        # What the record has of the pulse stands in the overlay, and is marked on the trend.
        page.await_text("#overlay-chart", "cycle 1")
        # Held: what can be typed is shown, and nothing is there to be clicked.
        self.assertEqual(0, self.ctl("hold").returncode)
        page.await_text("#state-word", "Held")
        page.await_text("#typed", "aldctl resume")
        self.assertEqual(0, self.ctl("resume").returncode)
        page.await_text("#state-word", "Execute")
        page.await_that("document.querySelector('#typed').hidden", "nothing to type")
        page.run(RECORD_IS_LATE)
        self.assertEqual(0, self.ctl("abort").returncode)
        page.await_text("#state-word", "Aborted")
        # The history has it, however late the record told its end, and where its report is.
        page.await_that("window.lateAnswers === 0", "questions about the runs")
        page.await_text("#runs-body", "Aborted")
        href = page.run("return document.querySelector('#runs-body a').getAttribute('href')")
        self.assertEqual("/run/1/report.html", href)
        page.run("document.querySelector('#runs-body button').click()")
        page.await_text("#runs-note", "Looking at run 1")
        page.await_that("document.querySelector('[data-window=run]').ariaPressed === 'true'", "the trends of that run")
        page.await_text("#recipe-note", "Run 1, quick")
        # Only what changed was touched: no row, cell or valve was made anew.
        self.assertEqual(0, page.run("return [...document.querySelectorAll('#values-body tr, #values-body td, .valve')]"
                                     ".filter((node) => !node.isKept).length"))
        self.assertEqual([], page.complaints())

    def test_trips_and_a_flood(self):
        """First-out first, with guidance; in a flood what matters stays on top, the rest can be unfolded."""
        self.start_page(tool=self.path("tool.yaml", tool_text()))
        page = self.browser
        self.set_too_much()
        page.await_text("#state-word", "Aborted")
        page.await_text("#trips li:first-child strong", "too-much-gas")
        page.await_text("#trips li:first-child", "Set less gas.")
        page.await_text("#shout", "Tripped: ")
        page.await_text("#alarm-sum", "A flood")
        page.await_text("#alarm-list", "burst-0")
        self.assertIn("high", page.text("#alarm-list li:first-child .priority"))
        page.await_text("#alarm-more summary", "of low priority")
        self.assertNotIn("low", page.run("return [...document.querySelectorAll('#alarm-list > li')].map((one) => one.dataset.priority)"))
        page.await_text("#typed", "aldctl reset")
        page.await_text("#typed", "aldctl ack")
        self.assertEqual([], page.complaints())

    def test_what_is_lost_looks_lost(self):
        """A module that does not answer, then the daemon gone and back: nothing pretends to be live, and all comes back."""
        self.start_page("--fault", "reads:chamber.pressure=2000 Torr@6 s+1 h")
        page = self.browser
        page.await_that(self.is_cell("pressure", 3, "Bad"), "the pressure marked as Bad")
        self.stop_daemon()
        page.await_text("#banner", "Not live since")
        page.await_text("#link", "not live")
        page.await_text("#shout", "Not live")
        page.await_text("#values-age", "ago")
        self.assertEqual("not known", page.text("#fact-open dd"))
        self.assertEqual("", page.text("#before-open"))
        self.assertTrue(page.run("return document.title.startsWith('?')"))
        self.assertEqual("italic", page.run("return getComputedStyle(document.querySelector('#values .value')).fontStyle"))
        before = page.text("#banner")
        page.await_that(f"document.querySelector('#banner').innerText !== {before!r}", "older and older")
        self.start_daemon(tool=self.tool)
        page.await_that("document.querySelector('#banner').hidden && !document.body.classList.contains('stale')", "live again")
        # A module's watchdog may have expired meanwhile: that is said rather.
        page.await_that("/Live again|Tripped/.test(document.querySelector('#shout').innerText)", "said to be live again")
        # aldweb itself gone, and back: the same.
        self.assertEqual(0, self.web.end())
        page.await_text("#banner", "no connection to aldweb")
        self.start_web(listen="%s:%d" % self.address)
        page.await_that("document.querySelector('#banner').hidden && !document.body.classList.contains('stale')", "live again")

    def test_keyboard_and_phone(self):
        """All can be reached and worked by keys; 360 px are wide enough."""
        self.start_page()
        page = self.browser
        page.press("Tab")
        self.assertEqual("Skip to the state", page.run("return document.activeElement.innerText"))
        self.assertNotEqual("none", page.run("return getComputedStyle(document.activeElement).outlineStyle"))
        # From the first of the windows on, by keys alone.
        page.await_that("document.querySelectorAll('.chart canvas').length > 0", "charts")
        page.run("document.querySelector('#windows button').focus()")
        page.press("Tab", "Enter")
        page.await_that("document.querySelector('[data-window=\"1800\"]').ariaPressed === 'true'", "30 min chosen")
        page.await_that("document.querySelector('[data-window=\"300\"]').ariaPressed === 'false'", "no longer 5 min")
        page.press(*["Tab"] * 9)
        self.assertIn("Pressure", page.run("return document.activeElement.ariaLabel"))
        page.press("Left")
        page.await_that("document.querySelector('#follow').ariaPressed === 'false'", "a window that stands")
        panned = page.text("#trend-note")
        page.press("+")
        page.await_that(f"document.querySelector('#trend-note').innerText !== {panned!r}", "a shorter window")
        page.press("Home")
        page.await_that("document.querySelector('#follow').ariaPressed === 'true'", "live again")
        for width in (390, 360):
            page.size(width, 800)
            page.await_that(f"document.documentElement.clientWidth === {width}", "the width of a phone")
            # Charts are drawn anew a frame later: until then those of the width before reach over the edge.
            page.await_that("[...document.querySelectorAll('.chart canvas')].every((one) => "
                            "one.clientWidth <= one.closest('.chart').clientWidth)", "narrow charts")
            # A chart that is drawn anew for another width was not moved by anybody.
            self.assertEqual("true", page.run("return document.querySelector('#follow').ariaPressed"))
            wide = page.run("return document.documentElement.scrollWidth")
            self.assertLessEqual(wide, width, f"{width} px wide, and scrolls sideways to {wide}")
        self.assertEqual([], page.complaints())

    @unittest.skipUnless(os.path.exists(AXE), "npm gave no axe-core (make build/npm/node_modules/axe-core/axe.min.js)")
    def test_accessible(self):
        """No violation of WCAG 2.1 A and AA, in light and dark: asking, tripped with a flood, and lost."""
        with open(AXE, encoding="utf-8") as f:
            axe = f.read()
        self.start_page(tool=self.path("tool.yaml", tool_text()))
        page = self.browser
        page.run(axe)

        def check(when):
            for scheme in ("light", "dark"):
                page.scheme(scheme)
                found = page.run("return axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']})", RULES)
                wrong = [f"{v['id']} ({scheme}, {when}): {v['help']}: {[n['target'] for n in v['nodes']][:3]}"
                         for v in found["violations"]]
                self.assertEqual([], wrong)
                self.assertGreater(len(found["passes"]), 20)

        self.start_run()
        page.await_text("#asks .question", "powder")
        check("asking")
        self.assertEqual(0, self.ctl("abort").returncode)
        page.await_text("#state-word", "Aborted")
        self.assertEqual(0, self.ctl("reset").returncode)
        self.await_state("Stopped")
        self.set_too_much()
        page.await_text("#alarm-sum", "A flood")
        page.await_text("#trips", "too-much-gas")
        check("tripped")
        self.stop_daemon()
        page.await_text("#banner", "Not live")
        check("lost")


if __name__ == "__main__":
    unittest.main()

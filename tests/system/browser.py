"""A small W3C WebDriver client for chromedriver, on Python's standard library: as much as the tests of the page need."""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PATIENCE_S = 40.0
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Home": "\ue011", "Left": "\ue012", "Up": "\ue013", "Right": "\ue014", "Down": "\ue015",
        "Space": " "}


class Browser:
    """A headless Chromium of its own, with its own profile, both gone at close()."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="ald-browser-")
        self.log_path = os.path.join(self.dir, "driver.log")
        with open(self.log_path, "wb") as log:
            # A group of its own: what the driver started ends with it.
            self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=subprocess.STDOUT, cwd=self.dir, start_new_session=True)
        self.base = f"http://127.0.0.1:{self.await_port()}"
        # Chromium refuses its sandbox to root; /dev/shm is small in containers.
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
                            f"--user-data-dir={self.dir}/profile"]}
        got = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.base += f"/session/{got['sessionId']}"

    def await_port(self):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                text = log.read()
            if found := re.search(r"started successfully on port (\d+)", text):
                return found[1]
            if self.driver.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("chromedriver is not ready:\n" + text)
            time.sleep(0.02)  # a file cannot be waited for

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.base + path, method=method, headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode(errors='replace')[:800]}") from None

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            try:
                os.killpg(self.driver.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.driver.wait()
            shutil.rmtree(self.dir, ignore_errors=True)

    # ---- the page ----

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *args):
        """Run a function's body in the page; what it returns (a promise is waited for)."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def text(self, selector):
        """What stands there for people; "" when it is hidden or not there."""
        return self.run("const n = document.querySelector(arguments[0]); return n && n.checkVisibility() ? n.innerText : ''", selector)

    def await_that(self, script, what, timeout=PATIENCE_S):
        """Wait in the page until an expression holds: asked at each change of the document, and each frame."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = self.run("""
                const end = Date.now() + 2000, holds = () => (%s);
                return new Promise((done) => {
                        const look = () => holds() ? done(true) : Date.now() > end ? done(false) : requestAnimationFrame(look);
                        look();
                })""" % script)
            if found:
                return
        raise AssertionError(f"not {what} within {timeout} s; the page says: {self.run('return document.body.innerText')[:1500]}")

    def await_text(self, selector, part, timeout=PATIENCE_S):
        self.await_that(f"(document.querySelector({json.dumps(selector)})?.innerText || '').includes({json.dumps(part)})",
                        f"{part!r} in {selector}", timeout)

    def size(self, width, height):
        """Of the page itself, not of the window."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def devtools(self, command, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def press(self, *keys):
        actions = []
        for key in keys:
            actions += [{"type": "keyDown", "value": KEYS.get(key, key)}, {"type": "keyUp", "value": KEYS.get(key, key)}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def complaints(self):
        """What the page wrote to its console as an error since the last call."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"}) if entry["level"] == "SEVERE"]

    def shot(self, path, whole=False):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.devtools("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))

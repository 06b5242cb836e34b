"""Fata's applications as domains of the lab, with the configurations that Fata writes."""
import pathlib
import re

from fata import BUILD, FataTest
from lab import Lab

# Without this memory for page tables, Xen cannot create such a small domain.
SMALL = "shadow_memory = 4\n"
# For domains that are saved or migrated: fewer pages save the emulator seconds.
LITTLE = "memory = 12\n"
KEEP = 'on_poweroff = "preserve"\non_reboot = "preserve"\non_crash = "preserve"\n'
POWEROFF, REBOOT, CRASH = "0", "1", "3"


class XenTest(FataTest):
    forwards = ()
    made = {}

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(cls.forwards, memory=896, resumed=True))
        cls.count = 0

    def tearDown(self):
        # Removes this test's domains, because the next test's domains use the same addresses.
        self.lab.run(
            "xl list | while read -r name _; do case $name in Name | Domain-0) ;; *) xl destroy"
            " $name </dev/null ;; esac; done"
        )
        super().tearDown()

    def built(self, app, *options):
        """The application's image for xen, and the configuration that Fata wrote. Built once."""
        if (app, options) in self.made:
            return self.made[app, options]
        words = re.findall(r"\w+", " ".join(options))
        folder = BUILD / "-".join([pathlib.Path(app).name, "xen", *words])
        self.run_fata("build", app, "-t", "xen", "--build-dir", folder, *options)
        (image,) = (folder / "build").glob("*.img")
        (config,) = (path for path in folder.glob("*.xl") if path.name != "run.xl")
        self.made[app, options] = image, config.read_text()
        return self.made[app, options]

    def start(self, app, words="", more="", without="", options=(), paused=False):
        """Creates a domain with the configuration that Fata wrote, except for its name, its
        parameters and the actions at its end. Returns the domain's name.
        """
        image, config = self.built(app, *options)
        type(self).count += 1
        name = f"{image.stem}-{self.count}"
        config = re.sub(r"^on_.*$", "", config, flags=re.M)
        for line, value in (("name", name), ("kernel", self.lab.put(image))):
            config = re.sub(rf"^{line} = .*$", f'{line} = "{value}"', config, flags=re.M)
        config = re.sub(r"^extra = .*$", lambda _: f"extra = '{words}'", config, flags=re.M)
        if without:
            config = re.sub(rf"^{without} = .*$", "", config, flags=re.M)
        return self.lab.create(config + KEEP + more, paused=paused, preserved=True)

    def ends(self, *names, timeout=40):
        """The shutdown reason and the exit status of each. The console logs are complete when it
        returns.
        """
        lines = self.lab.end_of(*names, destroy=True).wait(timeout).text.splitlines()
        return [line.split() for line in lines]

    def end(self, name, timeout=40):
        return self.ends(name, timeout=timeout)[0]

    def shut_down(self, name, log=None):
        """Shuts the domain down as a manager does. After a migration, `log` names its console
        log.
        """
        self.lab.run(f"xl shutdown {name}")
        self.assertEqual(self.end(name), [POWEROFF, "0"], self.lab.console(log or name))

    def said(self, app, words="", ends=(POWEROFF, "0"), **options):
        name = self.start(app, words, **options)
        self.assertEqual(self.end(name), list(ends), self.lab.console(name))
        return self.lab.console(name)

// How <form data-upload> shows an upload: one sentence that is read aloud, figures beside it, a list of what did not go in.
// See upload.js.
(() => {
  const LISTED = 200;
  const RATE_MS = 10e3;
  const DRAWN_MS = 200;

  const number = (n) => n.toLocaleString("en");
  const counted = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;

  function size(bytes) {
    const [unit, one] = bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
    return `${(bytes / one).toFixed(bytes < 10 * one ? 1 : 0)} ${unit}`;
  }

  function duration(seconds) {
    if (seconds < 60) return `${Math.ceil(seconds)} s`;
    return seconds < 3600 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  }

  class Page {
    constructor(form) {
      this.form = form;
      this.find = (name) => form.querySelector(`[data-${name}]`);
      this.clear();
    }

    clear() {
      this.samples = [];
      this.find("refused").querySelector("ul").replaceChildren();
    }

    onDrop(act) {
      const drop = this.find("drop");
      const over = (isOver) => (event) => {
        event.preventDefault();
        drop.classList.toggle("over", isOver);
      };
      drop.addEventListener("dragover", over(true));
      drop.addEventListener("dragleave", over(false));
      drop.addEventListener("drop", over(false));
      drop.addEventListener("drop", (event) => act(event.dataTransfer));
    }

    onChoice(act) {
      for (const input of this.form.querySelectorAll("input[type=file]")) {
        input.addEventListener("change", () => {
          act(input);
          input.value = "";
        });
      }
    }

    say(sentence) {
      this.find("now").hidden = false;
      if (this.find("sentence").textContent !== sentence) this.find("sentence").textContent = sentence;
    }

    list(refusals) {
      const list = this.find("refused").querySelector("ul");
      for (const { name, sentence } of refusals.slice(0, Math.max(0, LISTED - list.children.length))) {
        const line = document.createElement("li");
        const reason = document.createElement("span");
        reason.textContent = sentence;
        line.append(name, reason);
        list.append(line);
      }
    }

    // At most five times a second, however many files a second come to their end.
    drawSoon(upload) {
      this.planned ??= setTimeout(() => {
        this.planned = null;
        this.draw(upload);
      }, DRAWN_MS);
    }

    draw(upload) {
      const bar = this.form.querySelector("progress");
      bar.max = upload.bytes || 1;
      bar.value = upload.isBusy || upload.isCancelled ? upload.sentBytes : bar.max;
      this.find("cancel").hidden = !upload.isBusy;
      this.find("pause").hidden = !upload.isBusy || upload.isHalted;
      this.find("pause").textContent = upload.isPaused ? "Go on" : "Pause";
      this.find("retry").hidden = !upload.isHalted;
      this.find("finished").hidden = upload.isBusy || !(upload.stored + upload.present + upload.unpacked + upload.before);
      this.find("each").hidden = !this.find("each").getAttribute("href");
      this.find("refused").hidden = !(upload.refused + upload.unsent);
      this.find("figures").textContent = upload.isBusy ? this.figures(upload) : "";
      this.say(upload.isBusy ? this.now(upload) : this.outcome(upload));
    }

    now(upload) {
      if (upload.trouble) return upload.trouble;
      if (upload.isPaused) return "Paused. What is in stays in.";
      return `Uploading ${counted(upload.files, "file")}.`;
    }

    figures(upload) {
      const parts = [
        `${number(upload.doneFiles)} of ${counted(upload.files, "file")}`,
        `${size(upload.sentBytes)} of ${size(upload.bytes)}`,
      ];
      const rate = upload.trouble || upload.isPaused ? 0 : this.rate(upload.sentBytes - upload.beforeBytes);
      if (rate) parts.push(`${size(rate)} a second`, `about ${duration((upload.bytes - upload.sentBytes) / rate)} left`);
      return parts.join(" · ");
    }

    // Bytes a second over the last ten seconds.
    rate(bytes) {
      const now = performance.now();
      this.samples = [...this.samples.filter(([at]) => now - at < RATE_MS), [now, bytes]];
      const [at, first] = this.samples[0];
      return now - at > 1000 ? Math.max(0, (1000 * (bytes - first)) / (now - at)) : 0;
    }

    outcome(upload) {
      const parts = [`${counted(upload.stored, "image")} stored`];
      if (upload.present) parts.push(`${number(upload.present)} already there`);
      if (upload.unpacked) parts.push(`${counted(upload.unpacked, "archive")} unpacked`);
      if (upload.before) parts.push(`${counted(upload.before, "file")} in from before`);
      if (upload.refused) parts.push(`${counted(upload.refused, "file")} not taken`);
      if (upload.unsent) parts.push(`${counted(upload.unsent, "file")} not sent`);
      if (upload.refused + upload.unsent > LISTED) parts.push(`the first ${LISTED} are listed`);
      const end = upload.isCancelled ? " What is stored stays." : "";
      return `${upload.isCancelled ? "Cancelled" : "Done"}: ${parts.join(", ")}.${end}`;
    }
  }

  window.UploadPage = Page;
  window.uploadCounted = counted;
})();

// <form data-upload>: files, folders and zips by drop or choice. They are announced first (data-announce), and the answer
// tells which are in from an earlier visit; the rest is sent in small batches, a few at once. What the network loses is sent
// again once the portal answers (data-tokens): the archive keeps one. Answers are JSON: {"stored": n, "present": n,
// "refused": [{"name": …, "sentence": …}], "still_waiting": [pk, …]}, or {"detail": sentence} with another status.
(() => {
  const BATCH_FILES = 100;
  const BATCH_BYTES = 16e6;
  const PART_BYTES = 16 * 2 ** 20;
  const IN_PARTS_BYTES = 64 * 2 ** 20;
  const LOOK_MS = 1500;
  const PARALLEL = 3;
  const ANNOUNCED = 250;
  const LONGEST_PATH = 1000;
  const MOST_TRIES = 5;
  const TOO_LARGE = 413;
  const BUSY = 503;
  const FAULTS = [0, 500];
  const IN = ["stored", "present", "unpacked", "arrived"];
  const LOST = "It was lost on the way five times, or the file has changed since it was chosen. Choose it again.";
  const UNREADABLE = "The browser cannot read this file.";
  const TOO_EARLY = "The archive is busy with other files; the upload goes on in a moment.";
  const ELSEWHERE = "A large file is being sent from another window as well; the upload goes on in a moment.";

  const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const sizeOf = (items) => items.reduce((sum, { file }) => sum + file.size, 0);

  class Upload {
    constructor(form) {
      this.form = form;
      this.page = new UploadPage(form);
      this.portal = new UploadPortal(form, () => this.go());
      this.key = form.querySelector("[name=key]");
      this.waiting = [];
      this.sending = new Map();
      this.adding = Promise.resolve();
      this.unannounced = 0;
      this.round = 0;
      this.forget();
      this.listen();
    }

    forget() {
      const counts = { files: 0, doneFiles: 0, bytes: 0, doneBytes: 0, beforeBytes: 0 };
      const outcomes = { stored: 0, present: 0, unpacked: 0, before: 0, refused: 0, unsent: 0 };
      Object.assign(this, { ...counts, ...outcomes, isCancelled: false, isPaused: false });
      this.page.clear();
    }

    listen() {
      this.page.onDrop((transfer) => this.dropped(transfer));
      this.page.onChoice((input) => this.add(uploadFiles.ofInput(input)));
      this.page.find("cancel").addEventListener("click", () => this.cancel());
      this.page.find("pause").addEventListener("click", () => this.pause());
      this.page.find("retry").addEventListener("click", () => this.portal.goOn());
      addEventListener("beforeunload", (event) => this.isBusy && event.preventDefault());
    }

    get isBusy() {
      return this.sending.size + this.waiting.length + this.unannounced > 0;
    }

    get isHalted() {
      return this.portal.isHalted;
    }

    get trouble() {
      return this.portal.trouble;
    }

    get sentBytes() {
      const underway = [...this.sending.values()].reduce((sum, bytes) => sum + bytes, 0);
      return this.doneBytes + underway + this.waiting.reduce((sum, { received }) => sum + received, 0);
    }

    async dropped(transfer) {
      const tell = (count) => this.isBusy || this.page.say(`Reading the folders: ${uploadCounted(count, "file")} so far…`);
      tell(0);
      try {
        return this.add(await uploadFiles.ofDrop(transfer, tell));
      } catch {
        return this.page.say("The browser could not read all of what was dropped. Nothing was sent; try Choose a folder.");
      }
    }

    add(found) {
      const items = found.filter(({ file }) => !file.name.startsWith(".")).map((item) => ({ ...item, tries: 0 }));
      items.sort((one, other) => (one.path < other.path ? -1 : 1));
      if (!this.isBusy) this.begin();
      if (!items.length && !this.isBusy) return this.page.say("There are no files in it.");
      this.files += items.length;
      this.bytes += sizeOf(items);
      this.unannounced += items.length;
      const { round } = this;
      this.adding = this.adding.then(() => this.round === round && this.announceAll(items));
      return this.go();
    }

    begin() {
      // What an upload has taken is never sent again for it, so one that is whole is not gone on with.
      if (this.files && !this.isCancelled && !this.unsent) this.key.value = newKey();
      this.forget();
      this.portal.begin();
      this.form.parentElement.querySelector("[data-offer]")?.remove();
    }

    async announceAll(items) {
      const { round } = this;
      for (let start = 0; start < items.length; start += ANNOUNCED) {
        const some = await Promise.all(items.slice(start, start + ANNOUNCED).map(uploadFiles.withHead));
        const rows = await this.announce(some.filter(({ isUnreadable }) => !isUnreadable), start === 0);
        if (this.round !== round) return; // cancelled
        for (const [item, row] of rows) this.announced(item, row);
        this.unannounced -= some.length;
        this.giveUp(some.filter(({ isUnreadable }) => isUnreadable), UNREADABLE);
        this.go();
      }
    }

    async announce(items, isFirst) {
      const files = items.map(({ file, path, head }) => [path.slice(-LONGEST_PATH), file.size, file.lastModified, head]);
      const body = JSON.stringify({ key: this.key.value, goes_on: isFirst, files });
      const answer = await this.portal.insist("POST", this.form.dataset.announce, body);
      if (!answer) return [];
      this.know(answer);
      return answer.files.map((row, i) => [{ ...items[i], pk: row.pk, url: row.url, received: row.received_bytes }, row]);
    }

    announced(item, { outcome, sentence }) {
      if (outcome === "refused") {
        this.done([item]);
        this.refuse([{ name: item.path, sentence }]);
      } else if (IN.includes(outcome)) {
        this.before += 1;
        this.beforeBytes += item.file.size;
        this.done([item]);
      } else {
        this.waiting.push(item);
      }
    }

    know({ url, end_url: endUrl }) {
      this.endUrl = endUrl;
      this.page.find("each").href = url;
    }

    go() {
      const most = this.portal.failures ? 1 : PARALLEL;
      while (this.waiting.length && this.sending.size < most && !this.isPaused && !this.trouble) this.sendNext();
      if (!this.isBusy) return this.page.draw(this);
      return this.page.drawSoon(this);
    }

    sendNext() {
      if (this.waiting[0].file.size > IN_PARTS_BYTES) this.sendInParts(this.waiting.shift());
      else this.send(this.nextBatch());
    }

    nextBatch() {
      const batch = [this.waiting.shift()];
      let size = batch[0].file.size;
      while (this.waiting.length && batch.length < BATCH_FILES && !batch[0].isAlone && !this.waiting[0].isAlone) {
        size += this.waiting[0].file.size;
        if (size > BATCH_BYTES) break; // so that no file in parts is among them
        batch.push(this.waiting.shift());
      }
      return batch;
    }

    async send(batch) {
      const body = new FormData();
      body.append("key", this.key.value);
      body.append("csrfmiddlewaretoken", this.portal.token.value);
      for (const { file, pk } of batch) {
        body.append("announced", pk);
        body.append("files", file, file.name);
      }
      this.sending.set(batch, 0);
      const { status, answer } = await this.portal.send(this.form.action, body, (bytes) => {
        this.sending.set(batch, Math.min(bytes, sizeOf(batch)));
        this.page.drawSoon(this);
      });
      this.sending.delete(batch);
      if (!this.isCancelled) this.answered(batch, status, answer);
      this.go();
    }

    // Part after part, each behind the last byte that the portal has; then a worker there looks at the whole.
    async sendInParts(item) {
      const { round } = this;
      const { file } = item;
      const batch = [item];
      this.sending.set(batch, item.received);
      while (item.received < file.size && !this.isPaused && this.round === round) {
        const part = file.slice(item.received, item.received + PART_BYTES);
        const { status, answer } = await this.portal.send(`${item.url}part/?offset=${item.received}`, part, (bytes) => {
          this.sending.set(batch, item.received + Math.min(bytes, part.size));
          this.page.drawSoon(this);
        });
        const received = answer?.received_bytes;
        if (received === undefined) return this.leave(batch, round, () => this.partLost(batch, status, answer));
        if (received === item.received) return this.leave(batch, round, () => this.lost(batch, BUSY, { detail: ELSEWHERE }));
        Object.assign(item, { received, tries: 0 });
      }
      if (item.received < file.size) return this.leave(batch, round, () => this.waiting.unshift(item));
      const row = await this.settled(item, round);
      return this.leave(batch, round, () => row && this.settle(item, row));
    }

    partLost(batch, status, answer) {
      if (status === TOO_LARGE) return this.giveUp(batch, answer.detail);
      return this.lost(batch, status, answer);
    }

    leave(batch, round, act) {
      this.sending.delete(batch);
      if (this.round === round) act();
      this.go();
    }

    async settled({ url }, round) {
      while (this.round === round) {
        const row = await this.portal.insist("GET", url);
        if (row?.outcome !== "arrived") return row;
        await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
      }
      return null;
    }

    settle(item, { outcome, sentence }) {
      if (outcome === "waiting") return this.waiting.push({ ...item, received: 0 });
      this.done([item]);
      if (outcome === "refused") return this.refuse([{ name: item.path, sentence }]);
      this[outcome] += 1;
      return null;
    }

    answered(batch, status, answer) {
      if (status === TOO_LARGE && answer?.detail) return this.giveUp(batch, answer.detail);
      if (status !== 200) return this.lost(batch, status, answer);
      this.know(answer);
      const early = batch.filter(({ pk }) => answer.still_waiting.includes(pk));
      this.stored += answer.stored;
      this.present += answer.present;
      this.done(batch.filter((item) => !early.includes(item)));
      this.refuse(answer.refused.filter(({ name }) => !early.some(({ path }) => path === name)));
      return early.length && this.lost(early, BUSY, { detail: TOO_EARLY });
    }

    // They are sent again, at last each by itself: a browser does not tell a lost connection from a file that has changed.
    lost(batch, status, answer) {
      for (const item of batch) {
        item.tries += FAULTS.includes(status) ? 1 : 0;
        item.isAlone = item.tries > 2;
      }
      this.waiting.unshift(...batch.filter(({ tries }) => tries < MOST_TRIES));
      this.giveUp(batch.filter(({ tries }) => tries >= MOST_TRIES), LOST);
      this.portal.recover(status, answer);
    }

    done(items) {
      this.doneFiles += items.length;
      this.doneBytes += sizeOf(items);
    }

    // They stay announced, and so missing on the upload's page.
    giveUp(items, sentence) {
      this.unsent += items.length;
      this.done(items);
      this.page.list(items.map(({ path }) => ({ name: path, sentence })));
    }

    refuse(refusals) {
      this.refused += refusals.length;
      this.page.list(refusals);
    }

    cancel() {
      this.isCancelled = true;
      this.round += 1;
      this.waiting = [];
      this.unannounced = 0;
      this.portal.giveUp();
      if (this.endUrl) this.portal.ask("POST", this.endUrl);
      this.go();
    }

    pause() {
      this.isPaused = !this.isPaused;
      this.go();
    }
  }

  for (const form of document.querySelectorAll("form[data-upload]")) new Upload(form);
})();

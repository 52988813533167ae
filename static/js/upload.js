// <form data-upload>: files, folders and zips by drop or choice, sent in small batches, a few at once.
// Each answer is JSON: {"stored": n, "present": n, "refused": [{"name": …, "sentence": …}]}, or, when the whole batch is
// refused (4xx) or the disk is full (507), {"detail": sentence}. A batch that the network lost may be sent again: the
// archive keeps one.
(() => {
  const BATCH_FILES = 20;
  const BATCH_BYTES = 16e6;
  const PARALLEL = 3;
  const LISTED = 200;
  const DISK_FULL = 507;

  async function filesOf(entry) {
    if (entry instanceof File) return [entry];
    if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    const reader = entry.createReader();
    const children = [];
    for (;;) {
      // One call answers at most 100 entries; an empty answer is the end.
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) break;
      children.push(...some);
    }
    const files = [];
    for (const child of children) files.push(...(await filesOf(child)));
    return files;
  }

  function batchesOf(files) {
    const batches = [];
    let batch = [];
    let bytes = 0;
    for (const file of files.filter((file) => !file.name.startsWith("."))) {
      if (batch.length && (batch.length === BATCH_FILES || bytes + file.size > BATCH_BYTES)) {
        batches.push(batch);
        [batch, bytes] = [[], 0];
      }
      batch.push(file);
      bytes += file.size;
    }
    return batch.length ? [...batches, batch] : batches;
  }

  const sizeOf = (batches) => batches.flat().reduce((sum, file) => sum + file.size, 0);
  const counted = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

  class Upload {
    constructor(form) {
      this.form = form;
      this.find = (name) => form.querySelector(`[data-${name}]`);
      this.waiting = [];
      this.lost = [];
      this.sending = new Map();
      this.forget();
      this.listen();
    }

    forget() {
      Object.assign(this, { totalBytes: 0, doneBytes: 0, stored: 0, present: 0, refused: 0, isCancelled: false });
      this.find("refused").querySelector("ul").replaceChildren();
    }

    listen() {
      const drop = this.find("drop");
      const over = (isOver) => (event) => {
        event.preventDefault();
        drop.classList.toggle("over", isOver);
      };
      drop.addEventListener("dragover", over(true));
      drop.addEventListener("dragleave", over(false));
      drop.addEventListener("drop", over(false));
      drop.addEventListener("drop", (event) => this.dropped(event.dataTransfer));
      for (const input of this.form.querySelectorAll("input[type=file]")) {
        input.addEventListener("change", () => {
          this.add([...input.files]);
          input.value = "";
        });
      }
      this.find("cancel").addEventListener("click", () => this.cancel());
      this.find("retry").addEventListener("click", () => this.retry());
      addEventListener("beforeunload", (event) => this.sending.size && event.preventDefault());
    }

    async dropped(transfer) {
      // The entries must be asked for before the first await: after it the list is empty.
      const entries = [...transfer.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile()).filter(Boolean);
      this.say("Reading the folder…");
      const files = [];
      try {
        for (const entry of entries) files.push(...(await filesOf(entry)));
      } catch {
        return this.say("The browser could not read all of what was dropped. Nothing was sent; try Choose a folder.");
      }
      return this.add(files);
    }

    add(files) {
      if (!this.sending.size && !this.lost.length) this.forget();
      const batches = batchesOf(files);
      if (!batches.length && !this.sending.size) return this.say("There are no files in it.");
      this.totalBytes += sizeOf(batches);
      this.waiting.push(...batches);
      this.isCancelled = false;
      return this.go();
    }

    go() {
      while (this.waiting.length && this.sending.size < PARALLEL) this.send(this.waiting.shift());
      this.draw();
    }

    send(batch) {
      const request = new XMLHttpRequest(); // fetch tells nothing of how far an upload is
      const body = new FormData();
      for (const { name, value } of this.form.querySelectorAll("input[type=hidden]")) body.append(name, value);
      for (const file of batch) body.append("files", file, file.name);
      request.open("POST", this.form.action);
      request.setRequestHeader("Accept", "application/json");
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => {
        this.sending.set(request, Math.min(event.loaded, sizeOf([batch])));
        this.draw();
      });
      request.addEventListener("loadend", () => {
        this.sending.delete(request);
        if (!this.isCancelled) this.answered(batch, request.status, request.response);
        this.go();
      });
      this.sending.set(request, 0);
      request.send(body);
    }

    answered(batch, status, answer) {
      const isLost = status === 0 || status === 429 || (status >= 500 && status !== DISK_FULL) || !answer;
      if (isLost) return this.lost.push(batch);
      this.doneBytes += sizeOf([batch]);
      if (status >= 400) return this.refuse(batch.map(({ name }) => ({ name, sentence: answer.detail })));
      this.stored += answer.stored;
      this.present += answer.present;
      return this.refuse(answer.refused);
    }

    refuse(refusals) {
      this.refused += refusals.length;
      const list = this.find("refused").querySelector("ul");
      for (const { name, sentence } of refusals.slice(0, Math.max(0, LISTED - list.children.length))) {
        const line = document.createElement("li");
        const reason = document.createElement("span");
        reason.textContent = sentence;
        line.append(name, reason);
        list.append(line);
      }
    }

    cancel() {
      this.isCancelled = true;
      this.waiting = [];
      this.lost = [];
      for (const request of [...this.sending.keys()]) request.abort();
      this.draw();
    }

    retry() {
      this.waiting.push(...this.lost.splice(0));
      this.go();
    }

    say(sentence) {
      this.find("now").hidden = false;
      if (this.find("sentence").textContent !== sentence) this.find("sentence").textContent = sentence;
    }

    draw() {
      const isBusy = this.sending.size > 0;
      const underway = [...this.sending.values()].reduce((sum, bytes) => sum + bytes, 0);
      const bar = this.form.querySelector("progress");
      bar.max = this.totalBytes || 1;
      bar.value = isBusy || this.lost.length || this.isCancelled ? this.doneBytes + underway : bar.max;
      this.find("cancel").hidden = !isBusy;
      this.find("retry").hidden = isBusy || !this.lost.length;
      this.find("finished").hidden = isBusy || !(this.stored + this.present);
      this.find("refused").hidden = !this.refused;
      this.say(this.sentence(isBusy));
    }

    sentence(isBusy) {
      const parts = [`${counted(this.stored, "image")} stored`];
      if (this.present) parts.push(`${this.present.toLocaleString("en")} already there`);
      if (this.refused) parts.push(`${counted(this.refused, "file")} not taken`);
      if (this.refused > LISTED) parts.push(`the first ${LISTED} are listed`);
      if (this.lost.length) parts.push(`${counted(this.lost.flat().length, "file")} lost on the way`);
      const head = isBusy ? "Uploading: " : this.isCancelled ? "Cancelled: " : this.lost.length ? "Interrupted: " : "Done: ";
      return `${head}${parts.join(", ")}.`;
    }
  }

  for (const form of document.querySelectorAll("form[data-upload]")) new Upload(form);
})();

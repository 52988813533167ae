// The portal as <form data-upload> reaches it: asked again until it answers, waited for when the connection is lost or the
// person is signed out. See upload.js.
(() => {
  const STALLED_MS = 60e3;
  const ANSWER_MS = 300e3;
  const FIRST_PAUSE_MS = 1e3;
  const LONGEST_PAUSE_MS = 30e3;
  const MALFORMED = 400;
  const OF_THE_UPLOAD = [403, 404, 409, 507];
  const BUSY = 503;
  const NO_CONNECTION = "Waiting for the connection… What is in stays in; the rest goes on by itself.";
  const SIGNED_OUT = "You are signed out. Sign in in another tab; the upload then goes on by itself.";

  // Ends early when the browser finds its network again.
  function pauseOf(ms) {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        removeEventListener("online", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      addEventListener("online", end);
    });
  }

  class Portal {
    // `trouble` is a sentence for the person while nothing can be sent, and "" otherwise; each change of it calls `changed`.
    constructor(form, changed) {
      Object.assign(this, { form, changed, trouble: "", isHalted: false, isGivenUp: false, failures: 0, requests: new Set() });
      this.token = form.querySelector("[name=csrfmiddlewaretoken]");
      addEventListener("offline", () => this.abort());
    }

    // The answer, once there is one; null when the person gave up.
    async insist(method, url, body) {
      while (!this.isGivenUp) {
        const { status, answer } = await this.ask(method, url, body);
        if (status === 200) return answer;
        await (status === MALFORMED ? this.halt(answer.detail) : this.recover(status, answer));
      }
      return null;
    }

    // Status 0 when nothing came back, 401 when the answer is the way to sign in. What has no body is sent even when the
    // page is left at once.
    async ask(method, url, body) {
      const headers = { Accept: "application/json", "X-CSRFToken": this.token.value };
      const limits = { redirect: "manual", signal: AbortSignal.timeout(STALLED_MS), keepalive: !body };
      try {
        const response = await fetch(url, { method, body, headers, ...limits });
        if (response.type === "opaqueredirect") return { status: 401 };
        return { status: response.status, answer: await response.json() };
      } catch {
        return { status: 0 };
      }
    }

    // Sends a form, or bytes; `moved` is told how many bytes are under way. fetch tells nothing of that.
    send(url, body, moved) {
      const request = new XMLHttpRequest();
      request.open("POST", url);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRFToken", this.token.value);
      request.responseType = "json";
      this.watch(request, moved);
      this.requests.add(request);
      return new Promise((resolve) => {
        request.addEventListener("loadend", () => {
          this.requests.delete(request);
          // The page to sign in answers too, in JSON even, from its own address.
          const isOurs = request.response && request.responseURL === new URL(url, location.href).href;
          if (isOurs && request.status === 200) this.failures = 0;
          resolve(isOurs ? { status: request.status, answer: request.response } : { status: 0 });
        });
        request.send(body);
      });
    }

    // A connection that neither moves nor breaks is broken.
    watch(request, moved) {
      let timer;
      const within = (ms) => {
        clearTimeout(timer);
        timer = setTimeout(() => request.abort(), ms);
      };
      request.upload.addEventListener("progress", ({ loaded }) => {
        within(STALLED_MS);
        moved(loaded);
      });
      request.upload.addEventListener("load", () => within(ANSWER_MS));
      request.addEventListener("loadend", () => clearTimeout(timer));
      within(STALLED_MS);
    }

    // Resolves when it is worth another try. A refusal of the whole upload is for the person, who then says `goOn`.
    recover(status, answer) {
      if (OF_THE_UPLOAD.includes(status) && answer?.detail) return this.halt(answer.detail);
      this.recovering ??= this.untilItAnswers(status === BUSY && answer ? answer.detail : NO_CONNECTION).finally(() => {
        this.recovering = null;
        if (!this.isHalted) this.say("");
      });
      return this.recovering;
    }

    async untilItAnswers(sentence) {
      this.say(sentence);
      while (!this.isGivenUp) {
        await pauseOf(Math.min(FIRST_PAUSE_MS * 2 ** this.failures, LONGEST_PAUSE_MS));
        this.failures += 1;
        const { status, answer } = await this.ask("GET", this.form.dataset.tokens);
        if (status === 200) {
          this.token.value = answer.token; // signing in has changed it
          return;
        }
        if (OF_THE_UPLOAD.includes(status) && answer?.detail) await this.halt(answer.detail);
        else this.say(status === 401 ? SIGNED_OUT : NO_CONNECTION);
      }
    }

    halt(sentence) {
      this.isHalted = true;
      this.say(sentence);
      this.halted ??= new Promise((resolve) => { this.resume = resolve; });
      return this.halted;
    }

    goOn() {
      this.isHalted = false;
      this.halted = null;
      this.resume?.();
      this.say("");
    }

    giveUp() {
      this.isGivenUp = true;
      this.goOn();
      this.abort();
    }

    begin() {
      this.isGivenUp = false;
      this.failures = 0;
    }

    abort() {
      for (const request of [...this.requests]) request.abort();
    }

    say(sentence) {
      this.trouble = sentence;
      this.changed();
    }
  }

  window.UploadPortal = Portal;
})();

// Stack viewer. Reads <script id="stack" type="application/json">:
// {"title", "modality", "start": 1, "frames": [url, …], "window": [centre, width] or null (colour: not adjustable),
//  "window_query": "?window={center},{width},linear", "pixel_aspect": row spacing / column spacing,
//  "overlays": [{"name", "colour", "frames": [url or null, …]}, …]}
(() => {
  const KEPT_IMAGES = 96;
  const NEIGHBOURS = 4;
  const WINDOW_PAUSE_MILLISECONDS = 90;
  const FRAME_MILLISECONDS = 100;
  const STEPS = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9 };

  class Images {
    constructor() {
      this.kept = new Map();
    }

    // Least recently used first, because a Map keeps the order of insertion.
    get(url) {
      const image = this.kept.get(url) ?? this.load(url);
      this.kept.delete(url);
      this.kept.set(url, image);
      if (this.kept.size > KEPT_IMAGES) this.kept.delete(this.kept.keys().next().value);
      return image;
    }

    load(url) {
      const image = new Image();
      image.src = url;
      const decoded = image.decode().then(() => image);
      decoded.catch(() => this.kept.delete(url));
      return decoded;
    }
  }

  class Viewer {
    constructor(root, stack) {
      this.root = root;
      this.stack = stack;
      this.find = (name) => root.querySelector(`[data-${name}]`);
      this.stage = this.find("stage");
      this.canvas = root.querySelector("canvas");
      this.images = new Images();
      this.index = stack.start - 1;
      this.window = null; // null: as each image says itself
      this.overlays = stack.overlays.map((overlay) => ({ ...overlay, isOn: true, opacity: 0.5 }));
      this.listen();
      this.label();
      this.draw();
    }

    baseUrl(index) {
      if (!this.window) return this.stack.frames[index];
      const [center, width] = this.window.map((value) => String(Math.round(value)));
      return this.stack.frames[index] + this.stack.window_query.replace("{center}", center).replace("{width}", width);
    }

    layers(index) {
      return this.overlays.filter(({ isOn, frames }) => isOn && frames[index]);
    }

    // One draw at a time: while images load, only the newest wish is remembered, so that a fast wheel asks for few.
    async draw() {
      this.isStale = true;
      if (this.isDrawing) return;
      this.isDrawing = true;
      while (this.isStale) {
        this.isStale = false;
        await this.drawOnce(this.index);
      }
      this.isDrawing = false;
      this.prefetch();
    }

    async drawOnce(index) {
      const layers = this.layers(index);
      try {
        const base = await this.images.get(this.baseUrl(index));
        const masks = await Promise.all(layers.map(({ frames }) => this.images.get(frames[index])));
        this.paint(base, masks, layers);
        this.find("trouble").textContent = "";
      } catch (error) {
        if (!(error instanceof DOMException)) throw error; // an image that does not load or decode
        this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
        this.find("trouble").textContent = `Slice ${index + 1} could not be shown.`;
      }
    }

    paint(base, masks, layers) {
      const width = base.naturalWidth;
      const height = Math.round(base.naturalHeight * this.stack.pixel_aspect);
      if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
      const context = this.canvas.getContext("2d");
      context.globalAlpha = 1;
      context.drawImage(base, 0, 0, width, height);
      context.imageSmoothingEnabled = false; // a mask has edges; none may be invented
      masks.forEach((mask, at) => {
        context.globalAlpha = layers[at].opacity;
        context.drawImage(mask, 0, 0, width, height);
      });
      context.imageSmoothingEnabled = true;
    }

    prefetch() {
      for (let step = 1; step <= NEIGHBOURS; step += 1) {
        for (const index of [this.index + step, this.index - step]) {
          if (index < 0 || index >= this.stack.frames.length) continue;
          const urls = [this.baseUrl(index), ...this.layers(index).map(({ frames }) => frames[index])];
          for (const url of urls) this.images.get(url).catch(() => {}); // told when it is that slice's turn
        }
      }
    }

    label() {
      const sentence = `Slice ${this.index + 1} of ${this.stack.frames.length}`;
      this.find("slice").textContent = sentence;
      this.stage.setAttribute("aria-valuenow", this.index + 1);
      this.stage.setAttribute("aria-valuetext", sentence);
      this.find("position").value = this.index + 1;
      const shown = this.window ?? this.stack.window;
      this.find("window").textContent = shown ? `W ${Math.round(shown[1])} L ${Math.round(shown[0])}` : "";
      for (const button of this.root.querySelectorAll("[data-preset]")) {
        button.setAttribute("aria-pressed", String(button.dataset.preset === (this.window ?? "").toString()));
      }
    }

    go(index) {
      this.index = Math.max(0, Math.min(this.stack.frames.length - 1, index));
      this.label();
      this.draw();
    }

    setWindow(values) {
      this.window = values;
      this.label();
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.draw(), WINDOW_PAUSE_MILLISECONDS);
    }

    play(isOn) {
      clearInterval(this.cine);
      this.cine = isOn ? setInterval(() => this.isDrawing || this.go((this.index + 1) % this.stack.frames.length), FRAME_MILLISECONDS) : 0;
      const button = this.find("play");
      button.setAttribute("aria-pressed", String(isOn));
      button.querySelector("span").textContent = isOn ? "Pause" : "Play";
      const use = button.querySelector("use");
      use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#player-${isOn ? "pause" : "play"}`);
    }

    listen() {
      this.stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      this.stage.addEventListener("keydown", (event) => this.key(event));
      this.stage.addEventListener("pointerdown", (event) => this.drag(event));
      this.find("position").addEventListener("input", (event) => this.go(event.target.value - 1));
      this.find("play").addEventListener("click", () => this.play(!this.cine));
      for (const button of this.root.querySelectorAll("[data-preset]")) {
        const { preset } = button.dataset;
        button.addEventListener("click", () => this.setWindow(preset ? preset.split(",").map(Number) : null));
      }
      for (const box of this.root.querySelectorAll("[data-overlay]")) this.listenOverlay(box);
    }

    listenOverlay(box) {
      const overlay = this.overlays[box.dataset.overlay];
      box.addEventListener("input", () => {
        overlay.isOn = box.querySelector("[type=checkbox]").checked;
        overlay.opacity = box.querySelector("[type=range]").value / 100;
        this.draw();
      });
    }

    wheel(event) {
      event.preventDefault();
      // A mouse tells 100 or so a notch, a touchpad many small steps: a slice for each 40.
      this.turned = (this.turned ?? 0) + (event.deltaMode ? event.deltaY * 40 : event.deltaY);
      const slices = Math.abs(this.turned) >= 100 ? Math.sign(this.turned) : Math.trunc(this.turned / 40);
      if (!slices) return;
      this.turned = 0;
      this.go(this.index + slices);
    }

    key(event) {
      if (event.key === " ") this.play(!this.cine);
      else if (event.key in STEPS) this.go(this.index + STEPS[event.key]);
      else return;
      event.preventDefault();
    }

    // A mouse drags window and level; a finger scrolls.
    drag(event) {
      const isTouch = event.pointerType === "touch";
      if (event.button || (!isTouch && !this.stack.window)) return;
      const from = { x: event.clientX, y: event.clientY, index: this.index, window: this.window ?? this.stack.window };
      const move = (at) => (isTouch ? this.go(from.index + Math.round((at.clientY - from.y) / 8)) : this.level(from, at));
      this.stage.setPointerCapture(event.pointerId);
      this.stage.addEventListener("pointermove", move);
      const end = () => this.stage.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) this.stage.addEventListener(name, end, { once: true });
    }

    level(from, at) {
      const [center, width] = from.window;
      const perPixel = Math.max(1, width / 256);
      this.setWindow([center + (at.clientY - from.y) * perPixel, Math.max(1, width + (at.clientX - from.x) * perPixel)]);
    }
  }

  const root = document.querySelector("[data-viewer]");
  if (root) new Viewer(root, JSON.parse(document.getElementById("stack").textContent));
})();

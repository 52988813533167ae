// Stack viewer. Reads <script id="stack" type="application/json">:
// {"title", "modality", "start": 1, "frames": [url, …], "window": [centre, width] or null (colour: not adjustable),
//  "window_query": "?window={center},{width},linear", "speed": frames per second, "pixel_aspect": row spacing / column
//  spacing, "overlays": [{"name", "colour", "frames": [url or null, …]}, …]}
(() => {
  const NEIGHBOURS = 4;
  const WINDOW_PAUSE_MILLISECONDS = 90;
  const ADDRESS_PAUSE_MILLISECONDS = 400;
  const LARGEST_ZOOM = 16;
  const ZOOM_STEP = 1.25;
  const STEPS = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9 };

  class Viewer {
    constructor(root, stack) {
      this.root = root;
      this.stack = stack;
      this.find = (name) => root.querySelector(`[data-${name}]`);
      this.stage = this.find("stage");
      this.canvas = root.querySelector("canvas");
      this.images = new window.ViewerImages();
      this.index = stack.start - 1;
      this.window = null; // null: as each image says itself
      this.isInverted = false;
      this.dragging = ""; // what a drag does; "": what is usual for a mouse or a finger
      this.pose = { scale: 1, x: 0, y: 0 };
      this.overlays = stack.overlays.map((overlay) => ({ ...overlay, isOn: true, opacity: 0.5 }));
      this.listen();
      new window.ViewerGestures(this.stage, this);
      this.label();
      this.draw();
    }

    baseUrl(index) {
      if (!this.window) return this.stack.frames[index];
      const [center, width] = this.window.map(rounded);
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
      const urls = [this.baseUrl(index), ...layers.map(({ frames }) => frames[index])];
      try {
        const [base, ...masks] = await Promise.all(urls.map((url) => this.images.get(url)));
        this.paint(base, masks, layers);
        this.find("trouble").textContent = "";
      } catch (error) {
        if (!(error instanceof DOMException)) throw error; // an image that does not load or decode
        this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
        this.find("trouble").textContent = `Slice ${index + 1} could not be shown. ${await this.images.reason(urls)}`;
      }
    }

    paint(base, masks, layers) {
      const width = base.naturalWidth;
      const height = Math.round(base.naturalHeight * this.stack.pixel_aspect);
      if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
      const context = this.canvas.getContext("2d");
      context.globalAlpha = 1;
      context.drawImage(base, 0, 0, width, height);
      if (this.isInverted) invert(context, width, height);
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
      this.find("window").textContent = shown ? `W ${rounded(shown[1])} L ${rounded(shown[0])}` : "";
      const link = this.find("attributes");
      if (link) link.href = link.href.replace(/\/tags\/[^/]+\//, `/tags/${this.objectUid()}/`);
      this.press("preset", (this.window ?? "").toString());
    }

    objectUid() {
      return this.stack.frames[this.index].split("/instances/")[1].split("/")[0];
    }

    press(name, value) {
      for (const button of this.root.querySelectorAll(`[data-${name}]`)) {
        button.setAttribute("aria-pressed", String(button.dataset[name] === value));
      }
    }

    // So that the slice is there again when the page is loaded again, or its address sent to somebody.
    remember() {
      clearTimeout(this.addressPause);
      this.addressPause = setTimeout(() => {
        const address = new URL(window.location.href);
        address.searchParams.set("frame", this.index + 1);
        window.history.replaceState(window.history.state, "", address);
      }, ADDRESS_PAUSE_MILLISECONDS);
    }

    go(index) {
      this.index = Math.max(0, Math.min(this.stack.frames.length - 1, index));
      this.label();
      this.draw();
      this.remember();
    }

    setWindow(values) {
      this.window = values;
      this.label();
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.draw(), WINDOW_PAUSE_MILLISECONDS);
    }

    levelBy(right, down) {
      const [center, width] = this.window ?? this.stack.window;
      const perPixel = width / 256;
      this.setWindow([center + down * perPixel, Math.max(perPixel, width + right * perPixel)]);
    }

    get isZoomed() {
      return this.pose.scale > 1;
    }

    // `factor` times as large, about a point of the screen; without one about the middle.
    zoomBy(factor, clientX, clientY) {
      const { left, top, width, height } = this.stage.getBoundingClientRect();
      const [x, y] = [(clientX ?? left + width / 2) - left, (clientY ?? top + height / 2) - top];
      const scale = Math.max(1, Math.min(LARGEST_ZOOM, this.pose.scale * factor));
      const ratio = scale / this.pose.scale;
      this.place({ scale, x: x - (x - this.pose.x) * ratio, y: y - (y - this.pose.y) * ratio });
    }

    panBy(right, down) {
      this.place({ ...this.pose, x: this.pose.x + right, y: this.pose.y + down });
    }

    // Nothing but picture is in the stage when it is enlarged.
    place({ scale, x, y }) {
      const { clientWidth, clientHeight } = this.stage;
      const inside = (offset, size) => Math.min(0, Math.max(size * (1 - scale), offset));
      this.pose = { scale, x: inside(x, clientWidth), y: inside(y, clientHeight) };
      this.canvas.style.transform = `translate(${this.pose.x}px, ${this.pose.y}px) scale(${scale})`;
      this.find("zoom").textContent = this.isZoomed ? `${Math.round(scale * 100)} %` : "";
    }

    setInverted(isOn) {
      this.isInverted = isOn;
      this.find("invert").setAttribute("aria-pressed", String(isOn));
      this.draw();
    }

    play(isOn) {
      clearInterval(this.cine);
      const next = () => this.isDrawing || this.go((this.index + 1) % this.stack.frames.length);
      this.cine = isOn ? setInterval(next, 1000 / this.find("speed").value) : 0;
      const button = this.find("play");
      button.setAttribute("aria-pressed", String(isOn));
      button.querySelector("span").textContent = isOn ? "Pause" : "Play";
      const use = button.querySelector("use");
      use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#player-${isOn ? "pause" : "play"}`);
    }

    listen() {
      this.stage.addEventListener("keydown", (event) => this.keyed(event));
      this.find("position").addEventListener("input", (event) => this.go(event.target.value - 1));
      this.find("play").addEventListener("click", () => this.play(!this.cine));
      this.find("speed").addEventListener("change", () => this.cine && this.play(true));
      this.find("invert").addEventListener("click", () => this.setInverted(!this.isInverted));
      for (const button of this.root.querySelectorAll("[data-enlarge]")) {
        button.addEventListener("click", () => this.key({ key: button.dataset.enlarge }));
      }
      for (const button of this.root.querySelectorAll("[data-drag]")) {
        button.addEventListener("click", () => {
          this.dragging = button.dataset.drag;
          this.press("drag", this.dragging);
        });
      }
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

    keyed(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
      if (this.key(event)) event.preventDefault();
    }

    // Whether the key means something here.
    key({ key }) {
      if (key in STEPS) this.go(this.index + STEPS[key]);
      else if (key === " ") this.play(!this.cine);
      else if (key === "i") this.setInverted(!this.isInverted);
      else if (key === "+") this.zoomBy(ZOOM_STEP);
      else if (key === "-") this.zoomBy(1 / ZOOM_STEP);
      else if (key === "0") this.place({ scale: 1, x: 0, y: 0 });
      else return false;
      return true;
    }
  }

  // Whole numbers where they tell enough: values of PET are far below 1.
  function rounded(value) {
    return String(Math.abs(value) < 100 ? Number(value.toPrecision(3)) : Math.round(value));
  }

  function invert(context, width, height) {
    context.globalCompositeOperation = "difference";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = "source-over";
  }

  const root = document.querySelector("[data-viewer]");
  if (root) new Viewer(root, JSON.parse(document.getElementById("stack").textContent));
})();

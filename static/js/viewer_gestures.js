// What hands do on the stage of a viewer: wheel, drag, pinch. See viewer.js, which is told by go, levelBy, panBy, zoomBy.
(() => {
  const PIXELS_A_SLICE = 8;
  const TURN_A_SLICE = 40;
  const A_NOTCH = 100;

  class Gestures {
    constructor(stage, viewer) {
      this.stage = stage;
      this.viewer = viewer;
      this.pointers = new Map();
      this.rest = 0; // turned or dragged, not yet a whole slice
      stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      stage.addEventListener("pointerdown", (event) => this.down(event));
      stage.addEventListener("pointermove", (event) => this.move(event));
      for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => this.up(event));
    }

    wheel(event) {
      event.preventDefault();
      const turned = event.deltaMode ? event.deltaY * TURN_A_SLICE : event.deltaY;
      // Browsers tell a pinch on a touchpad so.
      if (event.ctrlKey) return this.viewer.zoomBy(Math.exp(-turned / 200), event.clientX, event.clientY);
      // A mouse tells 100 or so a notch, a touchpad many small steps.
      this.rest += turned;
      const slices = Math.abs(this.rest) >= A_NOTCH ? Math.sign(this.rest) : Math.trunc(this.rest / TURN_A_SLICE);
      if (!slices) return;
      this.rest = 0;
      this.viewer.go(this.viewer.index + slices);
    }

    down(event) {
      if (event.button > 1) return;
      if (event.button === 1) event.preventDefault(); // else the page scrolls by itself
      this.stage.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event);
      this.rest = 0;
      // What two fingers began, one does not go on with.
      this.action = this.pointers.size > 1 ? "pinch" : this.actionOf(event);
    }

    actionOf(event) {
      if (event.button === 1 || event.shiftKey) return "pan";
      if (this.viewer.dragging) return this.viewer.dragging;
      if (event.pointerType !== "touch" && this.viewer.stack.window) return "level";
      return this.viewer.isZoomed ? "pan" : "scroll";
    }

    move(event) {
      const before = this.pointers.get(event.pointerId);
      if (!before) return;
      if (this.action === "pinch") return this.pinch(event);
      this.pointers.set(event.pointerId, event);
      const [right, down] = [event.clientX - before.clientX, event.clientY - before.clientY];
      if (this.action === "level") this.viewer.levelBy(right, down);
      else if (this.action === "pan") this.viewer.panBy(right, down);
      else this.scroll(down);
    }

    scroll(down) {
      this.rest += down;
      const slices = Math.trunc(this.rest / PIXELS_A_SLICE);
      this.rest -= slices * PIXELS_A_SLICE;
      if (slices) this.viewer.go(this.viewer.index + slices);
    }

    pinch(event) {
      const before = spread(this.pointers);
      this.pointers.set(event.pointerId, event);
      const now = spread(this.pointers);
      if (!before || !now) return;
      this.viewer.panBy(now.x - before.x, now.y - before.y);
      this.viewer.zoomBy(now.distance / before.distance, now.x, now.y);
    }

    up(event) {
      this.pointers.delete(event.pointerId);
    }
  }

  // The middle of two fingers and how far they are apart; nothing for one.
  function spread(pointers) {
    const [one, other] = pointers.values();
    if (!other) return null;
    const [across, along] = [one.clientX - other.clientX, one.clientY - other.clientY];
    const distance = Math.max(1, Math.hypot(across, along));
    return { x: (one.clientX + other.clientX) / 2, y: (one.clientY + other.clientY) / 2, distance };
  }

  window.ViewerGestures = Gestures;
})();

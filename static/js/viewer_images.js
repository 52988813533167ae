// Pictures of a viewer: fetched once, the latest kept. See viewer.js.
(() => {
  const KEPT_IMAGES = 96;

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

    // Why an image did not come, as the portal says it.
    async reason(urls) {
      try {
        for (const url of urls) {
          const answer = await fetch(url);
          if (answer.redirected) return "You are not signed in any more.";
          const type = answer.headers.get("Content-Type") ?? "";
          if (!answer.ok && type.startsWith("application/json")) return (await answer.json()).detail ?? "";
          if (!answer.ok && type.startsWith("text/plain")) return await answer.text();
        }
        return "";
      } catch {
        return "The portal does not answer.";
      }
    }
  }

  window.ViewerImages = Images;
})();

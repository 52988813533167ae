// What <form data-upload> knows of files before it sends them: each is {file, path, head}, where `head` is a digest of how
// it begins, since scanners give many files one name and size. See upload.js.
(() => {
  const HEAD_BYTES = 4096;

  async function ofEntry(entry, tell) {
    if (entry instanceof File) return [{ file: entry, path: entry.name }];
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      return [{ file, path: entry.fullPath.replace(/^\//, "") }];
    }
    const files = [];
    for (const child of await childrenOf(entry)) files.push(...(await ofEntry(child, tell)));
    tell(files.length);
    return files;
  }

  async function childrenOf(folder) {
    const reader = folder.createReader();
    const children = [];
    for (;;) {
      // One call answers at most 100 entries; an empty answer is the end.
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return children;
      children.push(...some);
    }
  }

  // Files of a drop, folders opened. Rejects when the browser cannot read one. The entries are asked for before the first
  // await: after it the list is empty.
  function ofDrop(transfer, tell) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile()).filter(Boolean);
    return ofEntries(entries, tell);
  }

  async function ofEntries(entries, tell) {
    const files = [];
    for (const entry of entries) files.push(...(await ofEntry(entry, (count) => tell(files.length + count))));
    return files;
  }

  const ofInput = (input) => [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

  // 64 bits of FNV-1a, forwards and backwards: crypto.subtle is not there without https.
  function digest(bytes) {
    let [forth, back] = [0x811c9dc5, 0x811c9dc5];
    for (let i = 0; i < bytes.length; i++) {
      forth = Math.imul(forth ^ bytes[i], 0x01000193);
      back = Math.imul(back ^ bytes[bytes.length - 1 - i], 0x01000193);
    }
    return [forth, back].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  // With `head`, or with `isUnreadable` when the file is gone or not for this person's browser.
  async function withHead(item) {
    try {
      const start = await item.file.slice(0, HEAD_BYTES).arrayBuffer();
      return { ...item, head: digest(new Uint8Array(start)) };
    } catch {
      return { ...item, isUnreadable: true };
    }
  }

  window.uploadFiles = { ofDrop, ofInput, withHead };
})();

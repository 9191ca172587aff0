// The photo: zoom, pan, turn. Works in px of the upright photo, with or without a field outlined.
"use strict";
(() => {
  const viewer = document.getElementById("viewer");
  if (!viewer) return;
  const stage = document.getElementById("stage");
  const svg = stage.querySelector("svg");
  const sheet = document.getElementById("sheet");
  const wide = Number(viewer.dataset.wide), high = Number(viewer.dataset.high);
  const box = viewer.dataset.box ? viewer.dataset.box.split(" ").map(Number) : null;
  const MOST = 6; // screen px for one px of the photo
  const STEP = 1.25;
  const now = { x: wide / 2, y: high / 2, scale: 1, turn: Number(viewer.dataset.turn) || 0 };
  viewer.classList.add("live-viewer");
  viewer.querySelector(".toolbar").hidden = false;

  const size = () => [stage.clientWidth || 1, stage.clientHeight || 1];
  const sides = (w, h) => (now.turn % 2 ? [h, w] : [w, h]);

  function fitScale(w = wide, h = high) {
    const [sw, sh] = size(), [pw, ph] = sides(w, h);
    return Math.min(sw / pw, sh / ph);
  }

  function draw() {
    const [sw, sh] = size();
    now.scale = Math.min(Math.max(now.scale, fitScale() / 2), Math.max(MOST, fitScale()));
    now.x = Math.min(Math.max(now.x, 0), wide);
    now.y = Math.min(Math.max(now.y, 0), high);
    svg.setAttribute("viewBox", `0 0 ${sw} ${sh}`);
    sheet.setAttribute(
      "transform",
      `translate(${sw / 2} ${sh / 2}) rotate(${now.turn * 90}) scale(${now.scale}) translate(${-now.x} ${-now.y})`,
    );
    viewer.dataset.scale = now.scale.toFixed(4);
    viewer.dataset.at = `${Math.round(now.x)} ${Math.round(now.y)}`;
    viewer.dataset.turned = now.turn;
  }

  // A way on the screen as a way on the photo.
  function onPhoto(dx, dy) {
    const angle = (-now.turn * Math.PI) / 2, c = Math.cos(angle), s = Math.sin(angle);
    return [(dx * c - dy * s) / now.scale, (dx * s + dy * c) / now.scale];
  }

  function pan(dx, dy) {
    const [x, y] = onPhoto(dx, dy);
    now.x -= x;
    now.y -= y;
    draw();
  }

  // What lies under the pointer stays there.
  function zoom(by, px = null, py = null) {
    const [sw, sh] = size();
    const dx = (px ?? sw / 2) - sw / 2, dy = (py ?? sh / 2) - sh / 2;
    const before = onPhoto(dx, dy);
    now.scale *= by;
    now.scale = Math.min(Math.max(now.scale, fitScale() / 2), Math.max(MOST, fitScale()));
    const after = onPhoto(dx, dy);
    now.x += before[0] - after[0];
    now.y += before[1] - after[1];
    draw();
  }

  function fit() {
    Object.assign(now, { x: wide / 2, y: high / 2, scale: fitScale() });
    draw();
  }

  function field() {
    if (!box) return fit();
    const w = box[2] - box[0], h = box[3] - box[1];
    now.x = box[0] + w / 2;
    now.y = box[1] + h / 2;
    now.scale = Math.max(fitScale(), Math.min(fitScale(w * 2.5, h * 2.5), 2));
    // No empty space beside the photo where it could be filled with the photo.
    const [halfX, halfY] = sides(...size()).map((side) => side / 2 / now.scale);
    if (wide > 2 * halfX) now.x = Math.min(Math.max(now.x, halfX), wide - halfX);
    if (high > 2 * halfY) now.y = Math.min(Math.max(now.y, halfY), high - halfY);
    draw();
  }

  function turn(quarters) {
    now.turn = (now.turn + quarters + 4) % 4;
    draw();
  }

  const DO = {
    in: () => zoom(STEP),
    out: () => zoom(1 / STEP),
    right: () => turn(1),
    fit,
    field,
  };
  viewer.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) DO[button.dataset.do]();
  });

  const ARROWS = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  stage.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    pan(...way);
  });

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const here = stage.getBoundingClientRect();
    zoom(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX - here.left, event.clientY - here.top);
  }, { passive: false });

  // One pointer drags, two pinch.
  const pointers = new Map();
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  stage.addEventListener("pointermove", (event) => {
    const from = pointers.get(event.pointerId);
    if (!from) return;
    const to = [event.clientX, event.clientY];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, to);
    if (!other) return pan(to[0] - from[0], to[1] - from[1]);
    const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
    const here = stage.getBoundingClientRect();
    // About the finger that rests: so what lies under each finger stays under it.
    zoom(far(to, other) / far(from, other), other[0] - here.left, other[1] - here.top);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    stage.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  stage.addEventListener("dragstart", (event) => event.preventDefault());

  let before = size().join();
  new ResizeObserver(() => {
    if (size().join() !== before) draw();
    before = size().join();
  }).observe(stage);
  field();
})();

// Writes the icons of the installed application from app/icon.svg: `node scripts/make-icons.mjs`.
import { mkdirSync, readFileSync } from "node:fs";
import sharp from "sharp"; // a dependency of next

const icon = readFileSync("app/icon.svg", "utf8");
const maskable = icon.replace(' rx="9"', ""); // the system cuts the corners; the tick is in the middle 80 %

async function write(svg, size, file) {
  await sharp(Buffer.from(svg), { density: (72 * size) / 32 }).resize(size, size).png({ compressionLevel: 9 }).toFile(file);
}

mkdirSync("public/icons", { recursive: true });
for (const size of [192, 512]) {
  await write(icon, size, `public/icons/any-${size}.png`);
  await write(maskable, size, `public/icons/maskable-${size}.png`);
}
await write(maskable, 180, "app/apple-icon.png"); // iOS rounds the corners

/**
 * Writes a zip file piece by piece, without compression: its files are checked already, and it ends up where they were
 * told to go. Beyond 4 GiB and 65,534 entries it is ZIP64.
 *
 * @module
 * @see APPNOTE.TXT of PKWARE, 4.3 and 4.5
 */

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * @typedef {object} ZipEntry
 * @property {string} path Its parts between slashes; of a folder it ends with one.
 * @property {number} length Of a folder 0.
 * @property {number} [modifiedMs] Milliseconds since the epoch.
 */

/** @typedef {(content: Bytes, at: number) => unknown} Write */

const MAX_32 = 0xffff_ffff;
const MAX_16 = 0xffff;
/** Of this and of 4.5, on Unix. */
const MADE_BY = 0x032d;
const PLAIN_VERSION = 20;
const ZIP64_VERSION = 45;
/** Names are in UTF-8. */
const FLAGS = 0x0800;
const FILE_MODE = 0o100644;
const FOLDER_MODE = 0o040755;
const IS_FOLDER = 0x10;
const BUFFER_BYTES = 2 ** 20;
const LOCAL_BYTES = 30;
const CRC_AT = 14;

const TABLES = makeTables();

/** @returns Eight tables, by which eight bytes are taken at a time. */
function makeTables() {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  const [first] = tables;
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb8_8320 ^ value >>> 1 : value >>> 1;
    first[byte] = value;
  }
  for (let byte = 0; byte < 256; byte++) {
    let value = first[byte];
    for (const table of tables.slice(1)) {
      value = first[value & 0xff] ^ value >>> 8;
      table[byte] = value;
    }
  }
  return tables;
}

/**
 * @param {number} crc Of what came before; 0 at the beginning.
 * @param {Uint8Array} data
 */
function crc32(crc, data) {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let value = ~crc;
  let at = 0;
  for (; at + 8 <= data.length; at += 8) {
    value ^= data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24;
    value = t7[value & 0xff] ^ t6[value >>> 8 & 0xff] ^ t5[value >>> 16 & 0xff] ^
      t4[value >>> 24] ^ t3[data[at + 4]] ^ t2[data[at + 5]] ^ t1[data[at + 6]] ^ t0[data[at + 7]];
  }
  for (; at < data.length; at++) value = t0[(value ^ data[at]) & 0xff] ^ value >>> 8;
  return ~value >>> 0;
}

/** A record of a zip file, number after number. */
class Fields {
  #bytes;
  #view;
  #at = 0;

  /** @param {number} length */
  constructor(length) {
    this.#bytes = new Uint8Array(length);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** @param {readonly number[]} values */
  u16(...values) {
    for (const value of values) {
      this.#view.setUint16(this.#at, value, true);
      this.#at += 2;
    }
    return this;
  }

  /** @param {readonly number[]} values */
  u32(...values) {
    for (const value of values) {
      this.#view.setUint32(this.#at, value, true);
      this.#at += 4;
    }
    return this;
  }

  /** @param {readonly number[]} values */
  u64(...values) {
    for (const value of values) {
      this.#view.setBigUint64(this.#at, BigInt(value), true);
      this.#at += 8;
    }
    return this;
  }

  /** @param {Uint8Array} bytes */
  bytes(bytes) {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  get all() {
    return this.#bytes;
  }
}

/**
 * Date and time as DOS has them, between 1980 and 2107.
 * @param {number} [ms]
 */
function dosTime(ms) {
  const date = new Date(ms ?? 0);
  const year = date.getFullYear();
  if (ms === undefined || !(year >= 1980 && year <= 2107)) return { time: 0, day: 0x21 };
  return {
    time: date.getHours() << 11 | date.getMinutes() << 5 | date.getSeconds() >> 1,
    day: year - 1980 << 9 | date.getMonth() + 1 << 5 | date.getDate(),
  };
}

/** Takes the content of files, one behind the other, and writes the zip file that has them. */
export class ZipWriter {
  #entries;
  #write;
  #names;
  #offsets;
  #crcs;
  /** The entry that grows, and how much of it has come. */
  #now = -1;
  #came = 0;
  /** What has not been written yet, and where that begins. */
  #buffer = new Uint8Array(BUFFER_BYTES);
  #held = 0;
  #begin = 0;

  /**
   * @param {readonly ZipEntry[]} entries
   * @param {Write} write Waited for; also of what comes before what was written.
   */
  constructor(entries, write) {
    this.#entries = entries;
    this.#write = write;
    this.#names = entries.map(({ path }) => new TextEncoder().encode(path));
    this.#offsets = new Float64Array(entries.length);
    this.#crcs = new Uint32Array(entries.length);
  }

  get #end() {
    return this.#begin + this.#held;
  }

  /** @param {Uint8Array} content */
  async take(content) {
    let at = 0;
    while (at < content.length) {
      if (this.#isWhole) await this.#next();
      const left = this.#entries[this.#now].length - this.#came;
      const piece = content.subarray(at, at + left);
      this.#crcs[this.#now] = crc32(this.#crcs[this.#now], piece);
      await this.#put(piece);
      this.#came += piece.length;
      at += piece.length;
      if (this.#isWhole) await this.#patch();
    }
  }

  /** Everything has come. */
  async finish() {
    while (this.#now + 1 < this.#entries.length) await this.#next();
    const begin = this.#end;
    for (const at of this.#entries.keys()) await this.#put(this.#central(at));
    await this.#put(this.#ending(begin));
    await this.#flush();
  }

  get #isWhole() {
    return this.#now < 0 || this.#came === this.#entries[this.#now].length;
  }

  async #next() {
    do {
      this.#now += 1;
      this.#came = 0;
      this.#offsets[this.#now] = this.#end;
      await this.#put(this.#local(this.#now));
    } while (this.#now + 1 < this.#entries.length && this.#entries[this.#now].length === 0);
  }

  /** What a file's content sums up to is known behind it, and stands in front of it. */
  async #patch() {
    const at = this.#offsets[this.#now] + CRC_AT;
    const crc = new Fields(4).u32(this.#crcs[this.#now]).all;
    const held = at - this.#begin;
    if (held >= 0) this.#buffer.set(crc, held);
    else if (held + 4 <= 0) await this.#write(crc, at);
    else {
      await this.#flush();
      await this.#write(crc, at);
    }
  }

  /** @param {Uint8Array} bytes */
  async #put(bytes) {
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + this.#buffer.length - this.#held);
      this.#buffer.set(piece, this.#held);
      this.#held += piece.length;
      at += piece.length;
      if (this.#held === this.#buffer.length) await this.#flush();
    }
  }

  async #flush() {
    await this.#write(this.#buffer.subarray(0, this.#held), this.#begin);
    this.#begin += this.#held;
    this.#held = 0;
  }

  /** @param {number} at */
  #local(at) {
    const { length, modifiedMs } = this.#entries[at];
    const name = this.#names[at];
    const { time, day } = dosTime(modifiedMs);
    const isLong = length >= MAX_32;
    const said = isLong ? MAX_32 : length;
    const fields = new Fields(LOCAL_BYTES + name.length + (isLong ? 20 : 0))
      .u32(0x0403_4b50)
      .u16(isLong ? ZIP64_VERSION : PLAIN_VERSION, FLAGS, 0, time, day)
      .u32(0, said, said)
      .u16(name.length, isLong ? 20 : 0)
      .bytes(name);
    return isLong ? fields.u16(1, 16).u64(length, length).all : fields.all;
  }

  /** @param {number} at */
  #central(at) {
    const { path, length, modifiedMs } = this.#entries[at];
    const name = this.#names[at];
    const offset = this.#offsets[at];
    const { time, day } = dosTime(modifiedMs);
    const isFolder = path.endsWith("/");
    const longs = [
      ...length >= MAX_32 ? [length, length] : [],
      ...offset >= MAX_32 ? [offset] : [],
    ];
    const extra = longs.length === 0 ? 0 : 4 + 8 * longs.length;
    const said = Math.min(length, MAX_32);
    const fields = new Fields(46 + name.length + extra)
      .u32(0x0201_4b50)
      .u16(MADE_BY, extra === 0 ? PLAIN_VERSION : ZIP64_VERSION, FLAGS, 0, time, day)
      .u32(this.#crcs[at], said, said)
      .u16(name.length, extra, 0, 0, 0)
      .u32((isFolder ? FOLDER_MODE : FILE_MODE) * 0x1_0000 + (isFolder ? IS_FOLDER : 0))
      .u32(Math.min(offset, MAX_32))
      .bytes(name);
    return extra === 0 ? fields.all : fields.u16(1, 8 * longs.length).u64(...longs).all;
  }

  /** @param {number} begin Where the list of entries does. */
  #ending(begin) {
    const end = this.#end;
    const count = this.#entries.length;
    const isLong = count >= MAX_16 || end >= MAX_32;
    const fields = new Fields(22 + (isLong ? 76 : 0));
    if (isLong) {
      fields.u32(0x0606_4b50).u64(44).u16(MADE_BY, ZIP64_VERSION).u32(0, 0)
        .u64(count, count, end - begin, begin)
        .u32(0x0706_4b50, 0).u64(end).u32(1);
    }
    const said = Math.min(count, MAX_16);
    return fields.u32(0x0605_4b50).u16(0, 0, said, said)
      .u32(Math.min(end - begin, MAX_32), Math.min(begin, MAX_32)).u16(0).all;
  }
}

"""Draws the pictures of the demo corpus into `images/`, beside this file.

    pip install pillow
    python3 assets/demo/draw_pictures.py

Prints the boxes of what an object or face detector would find, so that the trajectories can quote them.
Shapes are flat, large and few: they must be told apart in a terminal, at two pixels a character.
"""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parent / "images"
SCALE = 2  # drawn larger, then reduced, for smooth edges

INK, PAPER, GREY, PALE = "#22303c", "#fbfaf5", "#8a97a3", "#e4e2d8"
RED, ORANGE, YELLOW, GREEN = "#c8452f", "#e58a2b", "#f2c230", "#4d8f5b"
BLUE, NAVY, SKY, SEA = "#2f6fa8", "#1d3557", "#bfe0ee", "#3f8fb5"


class Canvas:
    """A picture in its final coordinates; every method takes pixels of the saved file."""

    def __init__(self, width, height, colour=PAPER):
        self.size = (width, height)
        self.image = Image.new("RGB", (width * SCALE, height * SCALE), colour)
        self.draw = ImageDraw.Draw(self.image)

    @staticmethod
    def _scaled(points):
        return [tuple(SCALE * value for value in point) for point in points]

    def rectangle(self, x1, y1, x2, y2, fill=None, outline=None, width=0, radius=0):
        box = self._scaled([(x1, y1), (x2, y2)])
        self.draw.rounded_rectangle(box, radius * SCALE, fill, outline, width * SCALE)

    def ellipse(self, x1, y1, x2, y2, fill, outline=None, width=0):
        self.draw.ellipse(self._scaled([(x1, y1), (x2, y2)]), fill, outline, width * SCALE)

    def polygon(self, points, fill):
        self.draw.polygon(self._scaled(points), fill)

    def line(self, points, fill, width):
        self.draw.line(self._scaled(points), fill, width * SCALE, joint="curve")

    def arc(self, x1, y1, x2, y2, start, end, fill, width):
        self.draw.arc(self._scaled([(x1, y1), (x2, y2)]), start, end, fill, width * SCALE)

    def text(self, x, y, words, size, fill=INK, anchor="mm"):
        font = ImageFont.load_default(size * SCALE)
        self.draw.text((x * SCALE, y * SCALE), words, fill, font, anchor)

    def save(self, name):
        picture = self.image.resize(self.size, Image.Resampling.LANCZOS)
        if name.endswith(".png"):
            picture = picture.quantize(96, dither=Image.Dither.NONE)
            picture.save(FOLDER / name, optimize=True)
        else:
            picture.save(FOLDER / name, quality=88, optimize=True)


def boat(canvas, x, y, size, sail):
    """A boat whose hull's middle is at (x, y); returns its box."""
    keel = y + 0.42 * size
    canvas.polygon([(x - size, y), (x + size, y), (x + 0.7 * size, keel), (x - 0.7 * size, keel)], INK)
    canvas.line([(x, y), (x, y - 1.9 * size)], INK, 3)
    canvas.polygon([(x + 4, y - 0.12 * size), (x + 4, y - 1.85 * size), (x + 0.95 * size, y - 0.12 * size)], sail)
    canvas.polygon([(x - 4, y - 0.12 * size), (x - 4, y - 1.45 * size), (x - 0.75 * size, y - 0.12 * size)], sail)
    return [round(x - size, 2), round(y - 1.9 * size, 2), round(x + size, 2), round(keel, 2)]


def lighthouse(canvas, x, y, light=YELLOW):
    """A lighthouse that stands at (x, y) and is 190 high."""
    for number in range(4):
        top, bottom = y - 150 + 37.5 * number, y - 112.5 + 37.5 * number
        left, right = 20 + 4 * number, 24 + 4 * number
        colour = RED if number % 2 == 0 else "white"
        canvas.polygon([(x - left, top), (x + left, top), (x + right, bottom), (x - right, bottom)], colour)
    canvas.rectangle(x - 28, y - 156, x + 28, y - 148, INK)
    canvas.rectangle(x - 15, y - 178, x + 15, y - 156, light)
    canvas.polygon([(x - 20, y - 178), (x + 20, y - 178), (x, y - 198)], INK)


BOATS = [(90, 250, 38, "white"), (205, 225, 30, RED), (300, 285, 44, "white"), (395, 232, 30, "white"),
         (150, 355, 50, "white"), (335, 408, 48, RED), (480, 330, 48, "white")]


def harbour(name, sky, sea, far, sun, light):
    canvas = Canvas(640, 440, sky)
    canvas.ellipse(60, 40, 130, 110, sun)
    canvas.polygon([(0, 175), (120, 120), (230, 165), (350, 110), (500, 175)], far)
    canvas.rectangle(0, 175, 640, 440, sea)
    canvas.polygon([(470, 185), (640, 150), (640, 275), (560, 260)], GREEN if light == "white" else "#2c4a3c")
    boxes = [boat(canvas, *each) for each in BOATS]
    lighthouse(canvas, 585, 212, light)
    canvas.save(name)
    return boxes


def tram_chart():
    canvas = Canvas(640, 440)
    canvas.text(320, 34, "Tram passengers, thousands", 28)
    months, values = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"], [41, 38, 52, 60, 74, 69]
    for level in (0, 20, 40, 60, 80):
        y = 380 - 3.8 * level
        canvas.line([(70, y), (610, y)], PALE if level else INK, 2)
        canvas.text(58, y, str(level), 20, GREY, "rm")
    for number, (month, value) in enumerate(zip(months, values)):
        x = 120 + 88 * number
        canvas.rectangle(x - 29, 380 - 3.8 * value, x + 29, 380, ORANGE if month == "May" else BLUE)
        canvas.text(x, 364 - 3.8 * value, str(value), 24)
        canvas.text(x, 404, month, 24)
    canvas.save("tram_chart.png")


def receipt():
    canvas = Canvas(400, 520, "#b9a58a")
    canvas.rectangle(40, 20, 360, 500, PAPER)
    canvas.text(200, 60, "CAFE LUMEN", 34)
    canvas.text(200, 94, "14 May  ·  table 6", 20, GREY)
    rows = [("2 x Flat white", "7.60"), ("Lentil soup", "6.50"), ("Rye bread", "2.20"), ("Lemon tart", "4.40")]
    for number, (what, price) in enumerate(rows):
        canvas.text(64, 150 + 52 * number, what, 26, anchor="lm")
        canvas.text(336, 150 + 52 * number, price, 26, anchor="rm")
    canvas.line([(64, 350), (336, 350)], INK, 3)
    canvas.text(64, 390, "TOTAL", 34, anchor="lm")
    canvas.text(336, 390, "20.70", 34, anchor="rm")
    canvas.text(200, 455, "Thank you!", 24, GREY)
    canvas.save("receipt.png")


def floor_plan():
    canvas = Canvas(640, 600)
    left, top, metre = 33, 32, 70
    rooms = [("Living room", 0, 0, 5.2, 4.0, "#f6dfb4"), ("Kitchen", 5.2, 0, 3.0, 4.0, "#cfe6d4"),
             ("Bedroom", 0, 4.0, 4.2, 3.5, "#cfdff0"), ("Bath", 4.2, 4.0, 2.0, 3.5, "#d9ecf2"),
             ("Hall", 6.2, 4.0, 2.0, 3.5, "#ece7da")]
    for label, x, y, width, height, colour in rooms:
        x1, y1 = left + x * metre, top + y * metre
        x2, y2 = x1 + width * metre, y1 + height * metre
        canvas.rectangle(x1, y1, x2, y2, colour, INK, 6)
        canvas.text((x1 + x2) / 2, (y1 + y2) / 2 - 18, label, 30)
        canvas.text((x1 + x2) / 2, (y1 + y2) / 2 + 20, f"{width} x {height} m", 24)
    doors = [(150, 312, 220, 312), (520, 312, 570, 312), (467, 450, 467, 510), (327, 420, 327, 480), (510, 557, 570, 557)]
    for x1, y1, x2, y2 in doors:
        canvas.line([(x1, y1), (x2, y2)], PAPER, 8)
    canvas.save("floor_plan.png")


def island_map():
    canvas = Canvas(640, 440, SEA)
    coast = [(70, 230), (130, 110), (260, 70), (400, 80), (540, 130),
             (590, 240), (520, 350), (370, 390), (210, 370), (110, 330)]
    canvas.polygon(coast, "#e9dfae")
    canvas.polygon([(270, 190), (330, 110), (390, 190)], "#9aa38b")
    canvas.polygon([(310, 137), (330, 110), (350, 137)], "white")
    orla, fenwick, quay = (150, 245), (345, 310), (505, 210)
    roads = [((orla, fenwick), "12 km", 225, 310), ((fenwick, quay), "9 km", 455, 290),
             ((orla, (215, 150), (340, 215), quay), "25 km", 420, 185)]
    for points, label, x, y in roads:
        canvas.line(points, RED, 6)
        canvas.text(x, y, label, 24, RED)
    for (x, y), label in [(orla, "Orla"), (fenwick, "Fenwick"), (quay, "Quay")]:
        canvas.ellipse(x - 11, y - 11, x + 11, y + 11, "white", INK, 5)
        canvas.text(x, y + 32, label, 28)
    canvas.text(60, 40, "N", 30, "white")
    canvas.polygon([(60, 56), (48, 92), (60, 82), (72, 92)], "white")
    canvas.save("island_map.png")


def timetable():
    canvas = Canvas(640, 440)
    canvas.rectangle(0, 0, 640, 70, NAVY)
    canvas.text(320, 36, "FERRY  MAINLAND - QUAY", 34, "white")
    rows = [("departs", "arrives", "runs"), ("07:40", "08:25", "daily"), ("10:15", "11:00", "daily"),
            ("13:30", "14:15", "Sat, Sun"), ("16:50", "17:35", "daily"), ("19:20", "20:05", "Fri")]
    for number, row in enumerate(rows):
        y = 102 + 62 * number
        if number % 2 == 1:
            canvas.rectangle(0, y - 31, 640, y + 31, PALE)
        for x, cell in zip((120, 320, 520), row):
            canvas.text(x, y, cell, 30 if number else 24, INK if number else GREY)
    canvas.save("timetable.png")


FACES = [(135, 210, 62, "#e8b893", "#4a2f20"), (325, 175, 70, "#c98d63", "#1f1a17"), (520, 235, 52, "#f1cfb0", "#c9892f")]


def portrait():
    canvas = Canvas(640, 440, "#d8e2dc")
    boxes = []
    for (x, y, r, skin, hair), shirt in zip(FACES, (BLUE, RED, GREEN)):
        canvas.ellipse(x - 1.6 * r, y + 1.25 * r, x + 1.6 * r, y + 5 * r, shirt)
        canvas.rectangle(x - 0.35 * r, y + 0.8 * r, x + 0.35 * r, y + 1.5 * r, skin)
        canvas.ellipse(x - 1.08 * r, y - 1.4 * r, x + 1.08 * r, y + 0.7 * r, hair)
        canvas.ellipse(x - 0.9 * r, y - 1.05 * r, x + 0.9 * r, y + 1.15 * r, skin)
        for side in (-1, 1):
            eye = x + side * 0.36 * r
            canvas.ellipse(eye - 0.17 * r, y - 0.24 * r, eye + 0.17 * r, y + 0.06 * r, "white")
            canvas.ellipse(eye - 0.08 * r, y - 0.18 * r, eye + 0.08 * r, y + 0.02 * r, INK)
        canvas.arc(x - 0.4 * r, y + 0.1 * r, x + 0.4 * r, y + 0.75 * r, 20, 160, RED, 4)
        boxes.append([round(x - 0.9 * r), round(y - 1.05 * r), round(x + 0.9 * r), round(y + 1.15 * r)])
    canvas.save("portrait.jpg")
    return boxes


def thermometer():
    canvas = Canvas(420, 560, "#e6edf0")
    canvas.rectangle(170, 30, 250, 450, "white", INK, 5, 38)
    canvas.ellipse(145, 400, 275, 530, "white", INK, 5)
    canvas.ellipse(163, 418, 257, 512, RED)
    canvas.rectangle(193, 420 - 3.6 * 64, 227, 440, RED)
    for degrees in range(0, 101, 10):
        y = 420 - 3.6 * degrees
        canvas.line([(250, y), (274 if degrees % 20 == 0 else 264, y)], INK, 3)
        if degrees % 20 == 0:
            canvas.text(282, y, str(degrees), 28, anchor="lm")
    canvas.line([(120, 420 - 3.6 * 64), (166, 420 - 3.6 * 64)], RED, 4)
    canvas.text(68, 420 - 3.6 * 64, "64", 48, RED)
    canvas.text(370, 40, "°C", 36)
    canvas.save("thermometer.png")


PEARS = [(215, 205), (300, 180), (385, 200), (465, 225)]
APPLES = [(170, 260), (260, 275), (420, 285)]


def fruit_bowl():
    canvas = Canvas(640, 440, "#d9c7a8")
    canvas.rectangle(0, 330, 640, 440, "#8a5a3b")
    boxes = []
    for x, y in PEARS:
        canvas.line([(x, y - 78), (x + 8, y - 98)], "#5b3a24", 6)
        canvas.ellipse(x - 24, y - 82, x + 24, y - 10, "#b9bf3d", "#8d942a", 3)
        canvas.ellipse(x - 40, y - 45, x + 40, y + 45, "#b9bf3d", "#8d942a", 3)
        canvas.ellipse(x - 21, y - 74, x + 21, y - 8, "#b9bf3d")
        boxes.append([x - 40, y - 98, x + 40, y + 45])
    for x, y in APPLES:
        canvas.ellipse(x - 42, y - 40, x + 42, y + 44, RED, "#8f2c1d", 3)
        canvas.line([(x, y - 36), (x + 4, y - 54)], "#5b3a24", 5)
    canvas.polygon([(100, 285), (540, 285), (470, 400), (170, 400)], "#3d6f8e")
    canvas.rectangle(90, 275, 550, 297, "#5b93b3", radius=10)
    canvas.save("fruit_bowl.jpg")
    return boxes


def reservoir_chart():
    canvas = Canvas(640, 440)
    canvas.text(320, 34, "Reservoir level in June, %", 28)
    years, values = [2019, 2020, 2021, 2022, 2023, 2024], [88, 84, 79, 71, 63, 82]
    for level in (40, 60, 80, 100):
        y = 380 - 5 * (level - 40)
        canvas.line([(70, y), (610, y)], PALE if level > 40 else INK, 2)
        canvas.text(58, y, str(level), 20, GREY, "rm")
    points = [(115 + 92 * number, 380 - 5 * (value - 40)) for number, value in enumerate(values)]
    canvas.polygon([(points[0][0], 380), *points, (points[-1][0], 380)], SKY)
    canvas.line(points, BLUE, 6)
    for (x, y), year, value in zip(points, years, values):
        canvas.ellipse(x - 9, y - 9, x + 9, y + 9, "white", BLUE, 5)
        canvas.text(x, y - 26, str(value), 26)
        canvas.text(x, 404, str(year), 24)
    canvas.save("reservoir_chart.png")


def poster():
    canvas = Canvas(420, 560, NAVY)
    canvas.polygon([(210, 232), (0, 120), (0, 300)], "#35588a")
    canvas.polygon([(210, 232), (420, 120), (420, 300)], "#35588a")
    canvas.ellipse(320, 40, 372, 92, "#f4efd8")
    canvas.rectangle(0, 440, 420, 560, "#12243d")
    canvas.polygon([(90, 440), (150, 392), (270, 392), (340, 440)], "#4c5b66")
    lighthouse(canvas, 210, 400)
    canvas.text(210, 490, "LIGHTHOUSE DAY", 38, YELLOW)
    canvas.text(210, 530, "Saturday 6 June", 26, "white")
    canvas.save("poster.png")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    print("boats", harbour("harbour.png", SKY, SEA, "#8fb3a8", YELLOW, "white"))
    harbour("harbour_dusk.png", "#e8825a", "#3b3f6b", "#6b4a6e", "#ffd27a", YELLOW)
    for draw in (tram_chart, receipt, floor_plan, island_map, timetable, thermometer, reservoir_chart, poster):
        draw()
    print("faces", portrait())
    print("pears", fruit_bowl())
